import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EmbeddedStore, type ThreadChange } from '../../src/jobs/embedded/embedded-store.ts';
import { openThread } from '../../src/jobs/embedded/open-thread.ts';
import { Reopening } from '../../src/jobs/embedded/reopening.ts';
import { hasDoneNothing } from '../../src/jobs/job-errors.ts';
import type { Claim } from '../../src/jobs/job-store.ts';
import { eventuallyTrue } from '../eventually.ts';
import { failure } from '../runtime/greenroom.ts';
import { newJob } from './new-job.ts';
import { openWorkbench } from './opened-jobs.ts';

const HISTORY = { maxJobs: 100, maxAgeMs: Infinity };

let folder = '';
/** Every thread that was begun, the newest last. */
const threads: Worker[] = [];
const note = (thread: Worker): void => void threads.push(thread);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gr-lost-'));
  process.on('worker', note);
});

afterEach(() => {
  process.off('worker', note);
  threads.length = 0;
  rmSync(folder, { recursive: true, force: true });
});

/** Ends a thread by an error of its own: `terminate()` in the middle of SQLite's code would end the whole process. */
function end(thread: Worker | undefined): Promise<unknown> {
  const ended = new Promise((resolve) => thread?.once('exit', resolve));
  thread?.postMessage({ batch: undefined }, []);
  return ended;
}

async function open() {
  const { store } = await EmbeddedStore.open(folder, HISTORY, () => {});
  const changes: ThreadChange[] = [];
  store.onThread((change) => changes.push(change));
  const until = (kind: ThreadChange['kind']): Promise<ThreadChange> =>
    eventuallyTrue(() => changes.find((change) => change.kind === kind));
  return { store, until };
}

test('a store whose thread has ended is opened again, and what was taken stays in hand', async () => {
  const { store, until } = await open();
  const [taken, other] = [newJob({ plugin: 'taken' }), newJob({ plugin: 'other' })];
  await store.add([taken, other]);
  const [job] = await store.take([{ plugin: 'taken', count: 1 }]);
  const claim = { id: taken.id, claim: job?.claim ?? 0 };
  await store.begin([{ ...claim, once: false, generation: 1 }]);
  const dead = end(threads.at(-1));
  const asked = failure(store.counts());
  // It is sent at the end of the turn.
  await turn();
  await dead;
  const ended = await until('ended');
  expect(ended).toMatchObject({ error: { code: 'E_JOB_STORE', message: /thread ended.*opened again by itself/ } });
  const lost = await asked;
  expect(lost).toMatchObject({ code: 'E_JOB_STORE', message: /may have been done/ });
  const refused = await failure(store.counts());
  expect(refused).toMatchObject({ code: 'E_JOB_STORE', message: /opened again by itself/ });
  expect([hasDoneNothing(lost), hasDoneNothing(refused)]).toEqual([false, true]);
  expect(await until('opened')).toEqual({ kind: 'opened', waiting: ['other'] });
  expect((await store.get([taken.id]))[0]).toMatchObject({ state: 'running', attempt: 1, interruptions: 0 });
  expect(await store.settle([{ ...claim, outcome: { end: 'done', result: new Uint8Array([1]) } }])).toEqual(['ok']);
  expect((await store.get([taken.id]))[0]).toMatchObject({ state: 'done', attempt: 1 });
  await store.close();
});

test('a job whose taker never heard of it waits again', async () => {
  const job = newJob({ plugin: 'lost' });
  /** Does this in a thread of a program that holds so much, which ends at once. Resolves to its answer. */
  const inThread = async (held: readonly Claim[], method: string, ...args: unknown[]) => {
    const { thread, waiting } = await openThread({ folder, history: HISTORY, held });
    const answered = new Promise<{ answers?: { value?: unknown }[] }>((resolve) => thread.once('message', resolve));
    thread.postMessage({ batch: [{ method, args }] }, []);
    const { answers } = await answered;
    await end(thread);
    return { waiting, value: answers?.[0]?.value };
  };
  await inThread([], 'add', [job]);
  const { value } = await inThread([], 'take', [{ plugin: 'lost', count: 1 }]);
  const [{ id, claim } = { id: '', claim: 0 }] = value as readonly Claim[];
  expect(id).toBe(job.id);
  expect((await inThread([{ id, claim }], 'counts')).waiting).toEqual([]);
  expect((await inThread([{ id, claim: claim + 1 }], 'counts')).waiting).toEqual(['lost']);
});

test('jobs that run when the thread ends run on, each once, and end', async () => {
  const { jobs, scratch } = await openWorkbench();
  const door = join(scratch, 'door');
  const mark = join(scratch, 'mark');
  const running = await jobs.add('plugin', { do: 'wait', for: door });
  const next = await jobs.add('plugin', { do: 'mark', mark, text: 'next', ms: 0 });
  const results = Promise.all([running.result(), next.result()]);
  await eventuallyTrue(async () => (await running.read()).progress?.message === 'waiting');
  await end(threads.at(-1));
  writeFileSync(door, '');
  expect(await results).toEqual(['waited', 'next']);
  expect(readFileSync(mark, 'utf8')).toBe('next\n');
  expect(await running.read()).toMatchObject({ state: 'done', attempt: 1, interruptions: 0 });
  expect(await (await jobs.add('plugin', { value: 2 })).result()).toEqual(2);
  expect(threads).toHaveLength(2);
});

test('a store is closed while it has no thread', async () => {
  const { store, until } = await open();
  await end(threads.at(-1));
  await until('ended');
  await store.close();
  expect(threads).toHaveLength(1);
  expect(await failure(store.counts())).toMatchObject({ message: /are closed/ });
  // Nothing of it has the lock.
  const { store: another } = await EmbeddedStore.open(folder, HISTORY, () => {});
  await another.close();
});

test('that an attempt has begun is said again where it was lost with the thread', async () => {
  const { store, until } = await open();
  const [job, once] = [newJob(), newJob({ once: true })];
  await store.add([job, once]);
  const claims = await store.take([{ plugin: 'plugin', count: 2 }]);
  const begun = claims.map(({ id, claim }) => ({ id, claim, generation: 7, once: id === once.id }));
  const dead = end(threads.at(-1));
  const [said, saidOnce] = begun.map((each) => store.begin([each]));
  // Of one that may run only once it must be known at once whether it may begin.
  expect(await failure(saidOnce as Promise<void>)).toMatchObject({ code: 'E_JOB_STORE' });
  await dead;
  await until('opened');
  await said;
  expect(await store.get([job.id, once.id])).toMatchObject([
    { state: 'running', attempt: 1, history: [{ number: 1, generation: 7 }] },
    { state: 'waiting', attempt: 0 },
  ]);
  await store.close();
});

test('that an attempt has begun is not said again once the store is closed', async () => {
  const { store, until } = await open();
  await store.add([newJob()]);
  const [job] = await store.take([{ plugin: 'plugin', count: 1 }]);
  await end(threads.at(-1));
  await until('ended');
  const said = failure(store.begin([{ id: job?.id ?? '', claim: job?.claim ?? 0, once: false, generation: 1 }]));
  await store.close();
  expect(await said).toMatchObject({ code: 'E_JOB_STORE' });
});

test('a store that cannot be opened again says why, and that it goes on trying', async () => {
  const { store } = await open();
  const told: string[] = [];
  store.onThread((change) => change.kind === 'ended' && told.push(change.error.message));
  const thread = threads.at(-1);
  const database = join(folder, 'jobs.db');
  thread?.once('exit', () => {
    renameSync(database, `${database}.away`);
    mkdirSync(database);
  });
  await end(thread);
  await eventuallyTrue(() => told.length === 2);
  // Whatever number of times it is tried: each time is 0.1 s or more.
  await eventuallyTrue(async () => /within [1-9]/.test((await failure(store.counts())).message));
  expect(told).toHaveLength(2);
  expect(told[1]).toMatch(/jobs\.db.*It is opened again by itself within 0\.2 s: try again then\.$/);
  rmSync(database, { recursive: true });
  renameSync(`${database}.away`, database);
  await eventuallyTrue(async () =>
    store.counts().then(
      () => true,
      () => false,
    ),
  );
  await store.close();
});

test('a thread that ends again and again is begun later each time, for as long as it takes', () => {
  const reopening = new Reopening();
  const row = Array.from({ length: 1_000 }, () => reopening.next(0));
  expect(row.slice(0, 3)).toEqual([100, 200, 400]);
  expect(row.slice(9).every((ms) => ms === 30_000)).toBe(true);
  expect(reopening.next(60_000)).toBe(100);
  expect(reopening.next(0)).toBe(200);
});
