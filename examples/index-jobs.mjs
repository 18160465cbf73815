// @ts-check
// Greenroom with jobs: index texts, some of them a job. Kill it in the middle, start it again, and it goes on where it was.
//   find docs -name '*.md' | node examples/index-jobs.mjs [folder for the jobs and the index]
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { createSupervisor } from 'greenroom';
import { openJobs } from 'greenroom/jobs';

/** @typedef {{ indexed: number, unchanged: number }} Indexed */

/** The plugin commits once for so many files: what a job indexes is in the index as a whole, or not at all. */
const MOST_FILES = 50;
/** With fewer files there are this many jobs all the same, as far as the files go. */
const LEAST_JOBS = 20;

const folder = resolve(process.argv[2] ?? 'library');
const files = (await text(process.stdin)).split('\n').filter(Boolean);
const size = Math.min(MOST_FILES, Math.ceil(files.length / LEAST_JOBS));

const supervisor = await createSupervisor({
  searchPaths: [fileURLToPath(new URL('plugins', import.meta.url))],
  dataDir: folder,
});
try {
  // Jobs of an earlier run begin as soon as they are opened, so the plugin is told first where its index is.
  await Promise.all([
    supervisor.load('library-index', { config: { database: join(folder, 'library.db') } }),
    runJobs(),
  ]);
} finally {
  await supervisor.stop();
}

async function runJobs() {
  const jobs = await openJobs({ supervisor });
  try {
    const added = await Promise.all(
      inParts(files.map((file) => resolve(file))).map((part) => {
        // The same files are the same job: it is added once, however often this program is started.
        const key = createHash('sha256').update(part.join('\n')).digest('hex');
        return jobs.add('library-index', { action: 'index', files: part }, { key });
      }),
    );
    const before = await Promise.all(added.map((job) => job.read()));
    let done = before.filter(({ state }) => state === 'done').length;
    print({ type: 'opened', jobs: added.length, done });

    let [indexed, unchanged] = [0, 0];
    await Promise.all(
      added.map(async (job, at) => {
        const result = /** @type {Indexed} */ (await job.result());
        indexed += result.indexed;
        unchanged += result.unchanged;
        if (before[at]?.state !== 'done') print({ type: 'done', job: at + 1, done: (done += 1) });
      }),
    );
    const stats = /** @type {{ files: number }} */ (await supervisor.execute('library-index', { action: 'stats' }));
    print({ type: 'closed', jobs: added.length, files: stats.files, indexed, unchanged });
  } finally {
    await jobs.close();
  }
}

/** @param {string[]} all */
function inParts(all) {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size));
}

/** @param {object} event */
function print(event) {
  console.log(JSON.stringify(event));
}
