import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDatabase } from '../../src/jobs/embedded/database.ts';
import { EmbeddedStore } from '../../src/jobs/embedded/embedded-store.ts';
import { failure } from '../runtime/greenroom.ts';
import { newJob } from './new-job.ts';

const HISTORY = { maxJobs: 100, maxAgeMs: Infinity };

let folder = '';
const opened: EmbeddedStore[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gr-store-'));
});

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(history = HISTORY): Promise<EmbeddedStore> {
  const { store } = await EmbeddedStore.open(folder, history, () => {});
  opened.push(store);
  return store;
}

/** A store with a job, closed. */
async function filled(): Promise<{ readonly file: string; readonly id: string }> {
  const store = await open();
  const job = newJob();
  await store.add([job]);
  await store.close();
  return { file: join(folder, 'jobs.db'), id: job.id };
}

test('its folder and files are for their owner alone', async () => {
  const store = await open();
  await store.add([newJob({ input: new Uint8Array(100_000) })]);
  for (const name of ['.', 'jobs.db', 'values']) expect(statSync(join(folder, name)).mode & 0o077).toBe(0);
});

test('a long input is a file beside the database, which goes with its job', async () => {
  const store = await open();
  const input = new Uint8Array(1_000_000).fill(7);
  const job = newJob({ input });
  await store.add([job]);
  const file = join(folder, 'values', `${job.id}.input`);
  expect(readFileSync(file).equals(input)).toBe(true);
  expect(statSync(file).mode & 0o077).toBe(0);
  expect((await store.values(job.id))?.input).toEqual(input);
  await store.requestCancel([job.id], '{"code":"E_CANCELLED","message":"x"}');
  await store.remove([job.id]);
  expect(existsSync(file)).toBe(false);
});

test('what a killed program has left of values that no job has is removed', async () => {
  await filled();
  writeFileSync(join(folder, 'values', '01234567-89ab-7def-8123-456789abcdef.input'), 'x');
  writeFileSync(join(folder, 'values', '01234567-89ab-7def-8123-456789abcdef.result.draft'), 'x');
  await open();
  expect(existsSync(join(folder, 'values', '01234567-89ab-7def-8123-456789abcdef.input'))).toBe(false);
  expect(existsSync(join(folder, 'values', '01234567-89ab-7def-8123-456789abcdef.result.draft'))).toBe(false);
});

test('a second program is refused while one has the store, and may have it when that is gone', async () => {
  const script = `
    import { EmbeddedStore } from '${new URL('../../dist/jobs/embedded/embedded-store.js', import.meta.url).href}';
    await EmbeddedStore.open(process.argv[1], ${JSON.stringify({ maxJobs: 9, maxAgeMs: 9e9 })}, () => {});
    console.log('open');
    setInterval(() => {}, 1_000);
  `;
  const other = spawn(process.execPath, ['--input-type=module', '-e', script, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await new Promise((resolve) => other.stdout.once('data', resolve));
    const error = await failure(open());
    expect(error).toMatchObject({ code: 'E_JOB_STORE' });
    expect(error.message).toContain(`${join(folder, 'jobs.db')} is in use by another program`);
  } finally {
    other.kill('SIGKILL');
  }
  await new Promise((resolve) => other.once('close', resolve));
  await open();
});

test('two stores of one folder in one program: the second is refused', async () => {
  const store = await open();
  expect(await failure(open())).toMatchObject({ code: 'E_JOB_STORE' });
  expect(await store.counts()).toEqual([]);
});

test('a file that is no database is refused, says what to do, and a copy is kept', async () => {
  const { file } = await filled();
  writeFileSync(file, 'not a database at all, and long enough to be read as one'.repeat(100));
  const error = await failure(open());
  expect(error).toMatchObject({ code: 'E_JOB_STORE' });
  expect(error.message).toContain('is damaged');
  expect(readFileSync(`${file}.damaged`, 'utf8')).toContain('not a database');
});

test('a damaged database is found after a kill, refused, and kept as it was with its log', async () => {
  const { file } = await filled();
  const database = await openDatabase(file);
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
  const bytes = readFileSync(file);
  // All but the first two pages: the header stays, so that it opens.
  bytes.fill(0xa5, 8_192);
  writeFileSync(file, bytes);
  writeFileSync(join(folder, 'in-use'), '');
  const error = await failure(open());
  expect(error).toMatchObject({ code: 'E_JOB_STORE' });
  expect(error.message).toContain(`A copy as it was found is "${file}.damaged"`);
  expect(readFileSync(`${file}.damaged`).equals(bytes)).toBe(true);
});

test('a store of a later version is refused and not changed', async () => {
  const { file } = await filled();
  const database = await openDatabase(file);
  database.exec('PRAGMA user_version = 99');
  database.close();
  const error = await failure(open());
  expect(error.message).toContain('is of version 99, and this Greenroom knows version 1');
});

test('a store of a program that knows no jobs of streams is used on, with its jobs', async () => {
  const { file, id } = await filled();
  const database = await openDatabase(file);
  database.exec('ALTER TABLE jobs DROP COLUMN stream');
  database.close();
  const store = await open();
  const job = newJob({ stream: true });
  await store.add([job]);
  const { jobs } = await store.list({}, 9, undefined);
  expect(jobs.map((each) => [each.id, each.stream])).toEqual([
    [job.id, true],
    [id, false],
  ]);
});

test('a folder that cannot be made is named', async () => {
  writeFileSync(join(folder, 'file'), '');
  const error = await failure(EmbeddedStore.open(join(folder, 'file', 'jobs'), HISTORY, () => {}));
  expect(error).toMatchObject({ code: 'E_JOB_STORE' });
});

test('no more jobs that have ended are kept than is asked, and those that others wait for are', async () => {
  const store = await open({ maxJobs: 2, maxAgeMs: Infinity });
  const first = newJob();
  const after = newJob({ after: [{ id: first.id, name: 'first' }], delayMs: 1_000_000 });
  await store.add([first, after, ...Array.from({ length: 10 }, () => newJob())]);
  const taken = await store.take([{ plugin: 'plugin', count: 20 }]);
  expect(taken).toHaveLength(11);
  for (const { id, claim } of taken)
    await store.settle([{ id, claim, outcome: { end: 'done', result: new Uint8Array(1) } }]);
  await store.close();
  const again = await open({ maxJobs: 2, maxAgeMs: Infinity });
  const { jobs } = await again.list({ state: 'done' }, 100, undefined);
  expect(jobs).toHaveLength(3);
  expect(jobs.map(({ id }) => id)).toContain(first.id);
});

test.skipIf(process.getuid?.() !== 0)(
  'a full disk is named, nothing is half added, and it goes on once there is room',
  async () => {
    const disk = join(folder, 'disk');
    execFileSync('mkdir', [disk]);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk]);
    try {
      const { store } = await EmbeddedStore.open(join(disk, 'jobs'), HISTORY, () => {});
      opened.push(store);
      const job = newJob();
      await store.add([job]);
      const filler = join(disk, 'filler');
      const big = await failure(store.add([newJob({ input: new Uint8Array(4_000_000) })]));
      expect(big).toMatchObject({ code: 'E_JOB_STORE' });
      expect(big.message).toContain('is full. Nothing was changed');
      execFileSync('sh', ['-c', `cat /dev/zero > "${filler}" || true`], { stdio: 'ignore' });
      const small = await failure(addUntilRefused(store));
      expect(small.message).toContain('is full. Nothing was changed');
      const before = await store.counts();
      rmSync(filler);
      await store.add([newJob()]);
      expect((await store.counts())[0]?.count).toBe((before[0]?.count ?? 0) + 1);
      await store.close();
    } finally {
      execFileSync('umount', [disk]);
    }
  },
);

async function addUntilRefused(store: EmbeddedStore): Promise<void> {
  for (let n = 0; n < 1_000; n += 1) await store.add([newJob({ input: new Uint8Array(20_000) })]);
}
