import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GreenroomError } from '../../src/errors.ts';
import { newJobId } from '../../src/jobs/job-id.ts';
import type { AttemptOutcome, Hint, JobStore, NewJob, TakenJob } from '../../src/jobs/job-store.ts';
import { checkListOptions } from '../../src/jobs/list-options.ts';
import { errorText } from '../../src/jobs/stored-error.ts';
import { failure } from '../runtime/greenroom.ts';
import { newJob } from './new-job.ts';

const DONE: AttemptOutcome = { end: 'done', result: new Uint8Array([9]) };
const FAILED: AttemptOutcome = { end: 'failed', error: errorText(new GreenroomError('E_CRASHED', 'It crashed.')) };
const CANCELLED = errorText(new GreenroomError('E_CANCELLED', 'It was cancelled.'));

/** A store under test. */
export interface StoreUnderTest {
  readonly store: JobStore;
  /** Opens it again, as another program does after this one was killed: what was running is given back. */
  reopen(): Promise<JobStore>;
  /** Ends what is open, and removes everything. */
  remove(): Promise<void>;
}

/** What every store of jobs does. */
export function describeStore(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(name, () => {
    let opened: StoreUnderTest;
    let store: JobStore;
    beforeEach(async () => {
      opened = await open();
      ({ store } = opened);
    });
    afterEach(() => opened.remove());

    const take = async (count = 1, plugin = 'plugin'): Promise<readonly TakenJob[]> => store.take([{ plugin, count }]);
    const stateOf = async (id: string) => (await store.get([id]))[0]?.state;

    test('jobs are taken by priority, then by age, each once, and only as many as are asked for', async () => {
      const jobs = [0, 5, -1, 5, 0].map((priority) => newJob({ priority }));
      await store.add(jobs);
      const order = [1, 3, 0, 4, 2].map((index) => jobs[index]?.id);
      expect((await take(2)).map(({ id }) => id)).toEqual(order.slice(0, 2));
      expect((await take(9)).map(({ id }) => id)).toEqual(order.slice(2));
      expect(await take()).toEqual([]);
    });

    test('jobs are listed newest first, by plugin, state and the beginnings of their identifiers, page by page', async () => {
      const jobs = ['a', 'b', 'a'].map((plugin) => newJob({ plugin }));
      await store.add(jobs);
      const [oldest = '', middle = '', newest = ''] = jobs.map(({ id }) => id);
      const ids = async (...asked: Parameters<JobStore['list']>): Promise<string[]> =>
        (await store.list(...asked)).jobs.map(({ id }) => id);
      expect(await ids({}, 9, undefined)).toEqual([newest, middle, oldest]);
      expect(await ids({ plugin: 'a' }, 1, undefined)).toEqual([newest]);
      expect(await ids({ plugin: 'a' }, 1, (await store.list({ plugin: 'a' }, 1, undefined)).next)).toEqual([oldest]);
      for (const prefix of [middle, middle.slice(0, -1)]) expect(await ids({ prefix }, 9, undefined)).toEqual([middle]);
      expect(await ids({ prefix: newest.slice(0, 5) }, 9, undefined)).toEqual([newest, middle, oldest]);
      expect(await ids({ state: 'done' }, 9, undefined)).toEqual([]);
    });

    test('the cursor of a page is one that users may give, and what cannot be one is refused', async () => {
      await store.add([newJob(), newJob()]);
      const { next } = await store.list({}, 1, undefined);
      expect(() => checkListOptions({ cursor: next })).not.toThrow();
      const isNumber = /^\d+$/.test(next ?? '');
      for (const cursor of ['next', isNumber ? newJobId() : '1'])
        expect(await failure(store.list({}, 1, cursor))).toMatchObject({ code: 'E_OPTIONS' });
    });

    test('a key is that of a job with the same input whose stream is read too, or of neither', async () => {
      const jobs = [newJob({ key: 'k', stream: true }), newJob({ key: 'k', stream: true }), newJob({ key: 'k' })];
      const [first, same, other] = jobs as [NewJob, NewJob, NewJob];
      expect(await store.add([first, same])).toMatchObject([{ isNew: true }, { id: first.id, isNew: false }]);
      expect(await failure(store.add([other]))).toMatchObject({ code: 'E_JOB' });
    });

    test('one batch takes jobs of several plugins', async () => {
      await store.add([newJob({ plugin: 'a' }), newJob({ plugin: 'b' }), newJob({ plugin: 'c' })]);
      const taken = await store.take([
        { plugin: 'a', count: 2 },
        { plugin: 'c', count: 1 },
      ]);
      expect(taken.map(({ plugin }) => plugin)).toEqual(['a', 'c']);
    });

    test('what is stored of a job comes back as it was', async () => {
      const job = newJob({
        tool: 'sum',
        priority: 0.1 + 0.2,
        attempts: 7,
        backoff: { delayMs: 5, factor: 1.5, maxMs: 50 },
        timeoutMs: 1_234,
        key: 'ä',
        once: true,
        stream: true,
        input: new Uint8Array(300_000).fill(3),
      });
      await store.add([job]);
      const [taken] = await take();
      const { id, tool, priority, attempts, backoff, timeoutMs, once, stream, input } = job;
      expect(taken).toMatchObject({ id, tool, priority, attempts, backoff, timeoutMs, once, stream, attempt: 1 });
      expect(Buffer.from(taken?.input ?? []).equals(Buffer.from(input))).toBe(true);
      expect((await store.get([id]))[0]).toMatchObject({ key: 'ä', stream: true, state: 'waiting', attempt: 0 });
      const [got] = await store.get([id]);
      const { jobs: listed } = await store.list({}, 1, undefined);
      expect(listed.map((each) => ({ ...each, history: [] }))).toEqual([got]);
    });

    test('an input and a result that are no bytes at all are kept as they are', async () => {
      await store.add([newJob({ input: new Uint8Array() })]);
      const [job] = (await take()) as [TakenJob];
      expect(job.input).toHaveLength(0);
      await store.settle([{ ...job, outcome: { end: 'done', result: new Uint8Array() } }]);
      const { input, result } = (await store.values(job.id)) ?? {};
      expect([input?.byteLength, result?.byteLength]).toEqual([0, 0]);
    });

    test('a job is waiting until it has begun, running until it has settled', async () => {
      await store.add([newJob()]);
      const [job] = (await take()) as [TakenJob];
      expect(await stateOf(job.id)).toBe('waiting');
      await store.begin([{ ...job, generation: 4 }]);
      await store.progress([{ ...job, progress: { progress: 0.5, message: 'half' } }]);
      expect((await store.get([job.id]))[0]).toMatchObject({
        state: 'running',
        attempt: 1,
        progress: { progress: 0.5, message: 'half' },
        history: [{ number: 1, generation: 4, end: undefined }],
      });
      expect(await store.settle([{ ...job, outcome: DONE }])).toEqual(['ok']);
      expect((await store.get([job.id]))[0]).toMatchObject({ state: 'done', history: [{ end: 'done' }] });
      expect(Buffer.from((await store.values(job.id))?.result ?? [])).toEqual(Buffer.from([9]));
    });

    test('nothing can be said of a job with a claim that another has taken over', async () => {
      await store.add([newJob()]);
      const [old] = (await take()) as [TakenJob];
      await store.giveBack([old]);
      const [recent] = (await take()) as [TakenJob];
      expect(recent.claim).toBeGreaterThan(old.claim);
      await store.begin([{ ...old, generation: 1 }]);
      await store.giveBack([old]);
      expect(await store.settle([{ ...old, outcome: DONE }])).toEqual(['lost']);
      expect(await take()).toEqual([]);
      expect(await store.settle([{ ...recent, outcome: DONE }])).toEqual(['ok']);
      expect(await store.settle([{ ...recent, outcome: FAILED }])).toEqual(['lost']);
      expect(await stateOf(old.id)).toBe('done');
    });

    test('a failed attempt waits for its time, then is taken again as the next attempt', async () => {
      await store.add([newJob({ attempts: 2 })]);
      const [first] = (await take()) as [TakenJob];
      await store.begin([{ ...first, generation: 1 }]);
      const hinted = nextHint('plugin');
      await store.settle([{ ...first, outcome: { ...FAILED, retryAfterMs: 30 } as AttemptOutcome }]);
      expect(await stateOf(first.id)).toBe('delayed');
      await hinted;
      const [second] = (await take()) as [TakenJob];
      expect(second).toMatchObject({ id: first.id, attempt: 2 });
    });

    test('a program that ends gives back what it had, and what had begun was interrupted', async () => {
      await store.add([newJob(), newJob({ once: true }), newJob(), newJob({ once: true })]);
      const [begun, once, waits, waitsOnce] = (await take(4)) as [TakenJob, TakenJob, TakenJob, TakenJob];
      await store.begin([
        { ...begun, generation: 1 },
        { ...once, generation: 1 },
      ]);
      store = await opened.reopen();
      expect((await store.get([begun.id]))[0]).toMatchObject({ state: 'waiting', interruptions: 1, attempt: 1 });
      expect((await store.get([once.id]))[0]).toMatchObject({ state: 'failed', error: { code: 'E_INTERRUPTED' } });
      expect((await store.get([waits.id]))[0]).toMatchObject({ state: 'waiting', interruptions: 0, attempt: 0 });
      expect((await store.get([waitsOnce.id]))[0]).toMatchObject({ state: 'waiting', interruptions: 0 });
      expect(await store.settle([{ ...begun, outcome: DONE }])).toEqual(['lost']);
      // The interruption took none of its attempts.
      const [again] = (await take()) as [TakenJob];
      expect(again).toMatchObject({ id: begun.id, attempt: 2, attempts: 2 });
    });

    test('a job that ends its program each time is given up in the end', async () => {
      await store.add([newJob()]);
      for (let n = 0; n < 10; n += 1) {
        const [job] = (await take()) as [TakenJob];
        await store.begin([{ ...job, generation: 1 }]);
        await store.giveBack([job]);
      }
      const [job] = (await store.list({}, 1, undefined)).jobs;
      expect(job).toMatchObject({ state: 'failed', interruptions: 10, error: { code: 'E_INTERRUPTED' } });
    });

    test('all jobs of a batch are added, or none', async () => {
      const unknown = { id: newJobId(), name: 'x' };
      const error = await failure(store.add([newJob(), newJob({ after: [unknown] })]));
      expect(error).toMatchObject({ code: 'E_JOB' });
      expect(error.message).toContain(unknown.id);
      expect(await store.counts()).toEqual([]);
    });

    test('one bad batch among others of the same turn harms none of them', async () => {
      const results = await Promise.allSettled([
        store.add([newJob({ key: 'k' })]),
        store.add([newJob({ key: 'k', input: new Uint8Array([2]) })]),
        store.add([newJob()]),
      ]);
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(await store.counts()).toEqual([{ plugin: 'plugin', state: 'waiting', count: 2 }]);
    });

    test('a job is blocked until all before it are done, and given their results by name', async () => {
      const [a, b] = [newJob({ plugin: 'a' }), newJob({ plugin: 'b' })];
      const last = newJob({
        after: [
          { id: a.id, name: 'a' },
          { id: b.id, name: 'second' },
        ],
      });
      await store.add([a, b, last]);
      const end = async (plugin: string): Promise<void> => {
        const [job] = (await take(1, plugin)) as [TakenJob];
        await store.settle([{ ...job, outcome: { end: 'done', result: Buffer.from(plugin) } }]);
      };
      await end('a');
      expect(await stateOf(last.id)).toBe('blocked');
      // Done twice, it unblocks nothing that waits for another.
      await store.retry([a.id]);
      await end('a');
      expect(await stateOf(last.id)).toBe('blocked');
      await end('b');
      const [taken] = (await take()) as [TakenJob];
      expect([...taken.results].map(([name, result]) => [name, Buffer.from(result).toString()])).toEqual([
        ['a', 'a'],
        ['second', 'b'],
      ]);
    });

    test('a job that fails takes a chain of a thousand with it', async () => {
      const chain = [newJob()];
      for (let n = 0; n < 1_000; n += 1) {
        const id = chain.at(-1)?.id as string;
        chain.push(newJob({ plugin: 'later', after: [{ id, name: id }] }));
      }
      await store.add(chain);
      expect(await store.requestCancel([chain[0]?.id as string], CANCELLED)).toEqual(['waiting']);
      expect(await store.counts()).toEqual([
        { plugin: 'later', state: 'failed', count: 1_000 },
        { plugin: 'plugin', state: 'cancelled', count: 1 },
      ]);
    });

    test('who retries a job before the one that it comes after is told of that again', async () => {
      const first = newJob();
      const second = newJob({ after: [{ id: first.id, name: 'first' }] });
      await store.add([first, second]);
      await store.requestCancel([first.id], CANCELLED);
      expect(await store.retry([second.id])).toEqual(['failed']);
      expect(await stateOf(second.id)).toBe('failed');
      expect(await store.retry([first.id])).toEqual(['cancelled']);
      expect(await store.retry([second.id])).toEqual(['failed']);
      expect(await stateOf(second.id)).toBe('blocked');
    });

    test('cancel, retry and remove say what a job was, and touch only what they may', async () => {
      const [waiting, delayed, running] = [newJob(), newJob({ delayMs: 1e9 }), newJob({ plugin: 'other' })];
      await store.add([waiting, delayed, running]);
      const [job] = (await take(1, 'other')) as [TakenJob];
      await store.begin([{ ...job, generation: 1 }]);
      const ids = [waiting.id, delayed.id, running.id, newJobId()];
      expect(await store.remove(ids)).toEqual(['waiting', 'delayed', 'running', undefined]);
      expect(await store.retry(ids)).toEqual(['waiting', 'delayed', 'running', undefined]);
      expect(await store.requestCancel(ids, CANCELLED)).toEqual(['waiting', 'delayed', 'running', undefined]);
      expect(await store.requestCancel(ids, CANCELLED)).toEqual(['cancelled', 'cancelled', 'running', undefined]);
      expect(await store.remove(ids)).toEqual(['cancelled', 'cancelled', 'running', undefined]);
      expect(await store.counts()).toEqual([{ plugin: 'other', state: 'running', count: 1 }]);
    });

    test('what is paused is not taken, and is again after resume, which tells of it', async () => {
      await store.add([newJob({ plugin: 'a' }), newJob({ plugin: 'b' })]);
      await store.pause(['a']);
      expect(await store.paused()).toEqual(['a']);
      expect(await take(1, 'a')).toEqual([]);
      expect(await take(1, 'b')).toHaveLength(1);
      const hinted = nextHint('a');
      await store.resume(['a']);
      await hinted;
      expect(await take(1, 'a')).toHaveLength(1);
      await store.pause([]);
      await store.add([newJob({ plugin: 'a' })]);
      expect(await take(1, 'a')).toEqual([]);
      store = await opened.reopen();
      expect(await store.paused()).toEqual(['*']);
    });

    test('a job that has waited too long for its first attempt fails, and one that has begun does not', async () => {
      const [late, begun] = [newJob({ ttlMs: 20 }), newJob({ plugin: 'other', ttlMs: 60_000 })];
      const ended = new Promise<void>((resolve) => store.onHint((hint) => hint.kind === 'ended' && resolve()));
      await store.add([late, begun]);
      const [job] = (await take(1, 'other')) as [TakenJob];
      await store.begin([{ ...job, generation: 1 }]);
      await ended;
      expect((await store.get([late.id]))[0]).toMatchObject({ state: 'failed', error: { code: 'E_TIMEOUT' } });
      expect(await stateOf(begun.id)).toBe('running');
    });

    function nextHint(plugin: string): Promise<void> {
      return new Promise((resolve) => {
        const off = store.onHint((hint: Hint) => {
          if (hint.kind !== 'waiting' || hint.plugin !== plugin) return;
          off();
          resolve();
        });
      });
    }
  });
}
