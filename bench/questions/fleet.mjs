// @ts-check
// How many jobs a second does one node of a fleet do, against BullMQ's own Worker with the same calls of the same plugin?
import { setTimeout as pause } from 'node:timers/promises';
import { Queue, Worker } from 'bullmq';
import { openJobs } from '../../dist/jobs/index.js';
import { withFolder, withSupervisor } from '../lib/host.mjs';
import { comparisonOf, ratioRow, takeInTurns, timed } from '../lib/measure.mjs';
import { withRedis } from '../lib/redis.mjs';

/** Work that takes a while, and none at all, which is what a job costs. */
const KINDS = [
  { what: 'of 10 ms', jobs: 1_000, input: { waitMs: 10 } },
  { what: 'that do nothing', jobs: 1_000, input: {} },
];
const PLUGIN = 'bench-wide';
/** As many as the plugin takes at once. */
const AT_ONCE = 32;

/** @param {import('../lib/measure.mjs').Bench} bench */
export default async ({ quick }) => {
  const rows = await withFolder((folder) => withRedis(folder, (socket) => withSupervisor(rowsOf(socket, quick))));
  if (rows === undefined) console.error('fleet: skipped, as redis-server is not installed');
  return rows ?? [];
};

/** @param {string} path @param {boolean} quick */
function rowsOf(path, quick) {
  return async (/** @type {import('../../dist/index.js').Supervisor} */ supervisor) => {
    await supervisor.load(PLUGIN);
    const jobs = await openJobs({
      supervisor,
      fleet: { redis: `unix://${path}` },
      history: { maxJobs: 1_000, maxAgeMs: Infinity },
    });
    const connection = { path, maxRetriesPerRequest: null };
    const queue = new Queue('theirs', { connection });
    try {
      const rows = [];
      for (const { what, jobs: count, input } of KINDS) {
        const theirs = async () => {
          await queue.addBulk(
            Array.from({ length: count }, () => ({
              name: 'execute',
              data: input,
              opts: { removeOnComplete: { count } },
            })),
          );
          const settings = { connection, concurrency: AT_ONCE, autorun: false };
          const worker = new Worker('theirs', (job) => supervisor.execute(PLUGIN, job.data), settings);
          await worker.waitUntilReady();
          let ended = 0;
          const all = new Promise((resolve) => {
            worker.on('completed', () => {
              ended += 1;
              if (ended === count) resolve(undefined);
            });
          });
          const ms = await timed(() => {
            worker.run().catch(() => {});
            return all;
          });
          await worker.close();
          return (count / ms) * 1_000;
        };
        const ours = async () => {
          await jobs.pause();
          const added = await jobs.addAll(
            Object.fromEntries(Array.from({ length: count }, (_, n) => [`${n}`, { plugin: PLUGIN, input }])),
          );
          const ms = await timed(async () => {
            await jobs.resume();
            // Not asked again and again before: Redis would answer that in place of running jobs.
            await added[`${count - 1}`]?.result();
            while ((await openOf(jobs)) > 0) await pause(1);
          });
          return (count / ms) * 1_000;
        };
        const [reference = [], control = [], subject = []] = await takeInTurns([theirs, theirs, ours], {
          repetitions: quick ? 5 : 9,
          warmup: 1,
        });
        const question = `jobs ${what} by a node of a fleet, of BullMQ's Worker`;
        rows.push(ratioRow(question, 'jobs/s', comparisonOf(reference, control, subject), { atLeast: 0.9 }));
      }
      return rows;
    } finally {
      await queue.close();
      await jobs.close();
    }
  };
}

/** @param {import('../../dist/jobs/index.js').Jobs} jobs */
async function openOf(jobs) {
  const { waiting = 0, running = 0, delayed = 0 } = (await jobs.counts())[PLUGIN] ?? {};
  return waiting + running + delayed;
}
