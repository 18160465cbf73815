import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { Queue, Worker } from 'bullmq';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { packValue, unpackValue } from '../../../src/api/packed-value.ts';
import { GreenroomError } from '../../../src/errors.ts';
import { newJobId } from '../../../src/jobs/job-id.ts';
import type { Hint, JobStore, TakenJob } from '../../../src/jobs/job-store.ts';
import { bullPriority } from '../../../src/jobs/redis/bull-priority.ts';
import type { RedisJobStore } from '../../../src/jobs/redis/redis-job-store.ts';
import { errorText } from '../../../src/jobs/stored-error.ts';
import { failure } from '../../runtime/greenroom.ts';
import { newJob } from '../new-job.ts';
import { hasRedis, RedisServer } from '../redis-server.ts';
import { closeNodes, openNode } from './redis-stores.ts';

const CANCELLED = errorText(new GreenroomError('E_CANCELLED', 'It was cancelled.'));
const done = (value: unknown) => ({ end: 'done', result: packValue(value, 'result') }) as const;
const input = (value: unknown): Uint8Array => packValue(value, 'input');
const take = (store: JobStore, count = 1, plugin = 'plugin') => store.take([{ plugin, count }]);

/** A program that says less often that it lives than others wait for it. */
const SLOW = { beatMs: 60_000, goneMs: 60_000, lookMs: 60_000 };

/** The next hint that fits. */
function hint(store: JobStore, fits: (hint: Hint) => boolean): Promise<Hint> {
  return new Promise((resolve) => {
    const off = store.onHint((told) => {
      if (!fits(told)) return;
      off();
      resolve(told);
    });
  });
}

function gone(store: RedisJobStore, node: string): Promise<void> {
  return new Promise((resolve) => void store.onNodeGone((left) => left === node && resolve()));
}

describe.skipIf(!hasRedis)('the store in Redis, with a redis-server', () => {
  let server: RedisServer;
  const queues: Queue[] = [];
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterEach(async () => {
    const { link } = await openNode(server.url);
    await link.send(['FLUSHALL']);
    await closeNodes();
    await Promise.all(queues.splice(0).map((queue) => queue.close()));
  });
  afterAll(() => server.remove());

  /** A queue as other programs open it. */
  function queueOf(name: string): Queue {
    const queue = new Queue(name, { connection: { path: server.socket } });
    queues.push(queue);
    return queue;
  }

  async function stateOf(store: JobStore, id: string): Promise<string | undefined> {
    return (await store.get([id]))[0]?.state;
  }

  test('what is taken or ended together is written to each index at once', async () => {
    const { link, store } = await openNode(server.url, { liveness: SLOW });
    await store.add(Array.from({ length: 50 }, () => newJob()));
    await link.send(['CONFIG', 'RESETSTAT']);
    const taken = await take(store, 50);
    await store.settle(taken.map(({ id, claim }) => ({ id, claim, outcome: done(1) })));
    const stats = String(await link.send(['INFO', 'commandstats']));
    const calls = (name: string): number => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
    // Out of two indexes, into those and the one of what has ended; beside them are the sets of BullMQ.
    expect({ zrem: calls('zrem'), sadd: calls('sadd'), srem: calls('srem') }).toEqual({ zrem: 2, sadd: 1, srem: 1 });
    expect((await store.list({ state: 'done' }, 100, undefined)).jobs).toHaveLength(50);
    expect((await store.list({ state: 'waiting' }, 100, undefined)).jobs).toEqual([]);
  });

  test('of two programs that take at the same time, each job goes to one', async () => {
    const [one, other] = [await openNode(server.url), await openNode(server.url)];
    const jobs = Array.from({ length: 60 }, () => newJob());
    await one.store.add(jobs);
    const taken: string[] = [];
    const takeAll = async (store: JobStore): Promise<void> => {
      for (let some = await take(store, 3); some.length > 0; some = await take(store, 3))
        taken.push(...some.map(({ id }) => id));
    };
    await Promise.all([takeAll(one.store), takeAll(other.store), takeAll(one.store)]);
    expect(taken.toSorted()).toEqual(jobs.map(({ id }) => id).toSorted());
  });

  test('what one program adds, another takes, with its input and the results before it', async () => {
    const [one, other] = [await openNode(server.url), await openNode(server.url)];
    const first = newJob({ input: input({ n: 1 }) });
    const second = newJob({ plugin: 'later', after: [{ id: first.id, name: 'first' }] });
    await one.store.add([first, second]);
    const [job] = (await take(other.store)) as [TakenJob];
    expect(unpackValue(Buffer.from(job.input))).toEqual({ n: 1 });
    await other.store.settle([{ ...job, outcome: done('result') }]);
    const [later] = (await take(one.store, 1, 'later')) as [TakenJob];
    expect(unpackValue(later.results.get('first') as Buffer)).toBe('result');
  });

  test('others are told of what waits, changes and ends, and the program that runs a job is asked to end it', async () => {
    const [one, other] = [await openNode(server.url), await openNode(server.url)];
    const waiting = hint(other.store, ({ kind }) => kind === 'waiting');
    await one.store.add([newJob()]);
    expect(await waiting).toEqual({ kind: 'waiting', plugin: 'plugin' });
    const [job] = (await take(other.store)) as [TakenJob];
    const changed = hint(one.store, ({ kind }) => kind === 'changed');
    await other.store.begin([{ ...job, generation: 1 }]);
    expect(await changed).toEqual({ kind: 'changed', id: job.id });
    const cancel = hint(other.store, ({ kind }) => kind === 'cancel');
    expect(await one.store.requestCancel([job.id], CANCELLED)).toEqual(['running']);
    expect(await cancel).toEqual({ kind: 'cancel', plugin: 'plugin', id: job.id, error: CANCELLED });
    const ended = hint(one.store, ({ kind }) => kind === 'ended');
    await other.store.settle([{ ...job, outcome: { end: 'cancelled', error: CANCELLED } }]);
    expect(await ended).toEqual({ kind: 'ended', id: job.id, end: 'cancelled' });
  });

  test('a program that missed that its job is to end is told with its next beat', async () => {
    const [one, other] = [await openNode(server.url), await openNode(server.url)];
    await one.store.add([newJob()]);
    const [job] = (await take(other.store)) as [TakenJob];
    await one.store.requestCancel([job.id], CANCELLED);
    const isCancel = ({ kind }: Hint): boolean => kind === 'cancel';
    // The one that was published, and then that of each beat.
    for (let n = 0; n < 3; n += 1) await hint(other.store, isCancel);
  });

  test('what a program had that has vanished goes to others, and it can say nothing of it any more', async () => {
    const [dies, lives] = [await openNode(server.url), await openNode(server.url)];
    const jobs = [newJob(), newJob({ once: true }), newJob(), newJob()];
    await lives.store.add(jobs);
    const [begun, once, asked, waits] = (await take(dies.store, 4)) as [TakenJob, TakenJob, TakenJob, TakenJob];
    await dies.store.begin([begun, once, asked].map((job) => ({ ...job, generation: 1 })));
    await lives.store.requestCancel([asked.id], CANCELLED);
    const left = gone(lives.store, dies.node);
    await dies.vanish();
    await left;
    const [first, second, third, fourth] = await lives.store.get([begun.id, once.id, asked.id, waits.id]);
    expect(first).toMatchObject({ state: 'waiting', interruptions: 1, attempts: 2, history: [{ end: 'interrupted' }] });
    expect(second).toMatchObject({ state: 'failed', error: { code: 'E_INTERRUPTED' } });
    expect(third).toMatchObject({ state: 'cancelled', error: { code: 'E_CANCELLED' } });
    expect(fourth).toMatchObject({ state: 'waiting', interruptions: 0, attempts: 1 });
    expect(await lives.store.settle([{ ...begun, outcome: done(1) }])).toEqual(['lost']);
    // In their places.
    expect((await take(lives.store, 4)).map(({ id }) => id)).toEqual([begun.id, waits.id]);
    expect((await lives.store.nodes()).map(({ node }) => node)).toEqual([lives.node]);
  });

  test('a program that was thought gone and comes back has lost its jobs, and counts as living again', async () => {
    const [sleeps, lives] = [await openNode(server.url, { liveness: SLOW }), await openNode(server.url)];
    await lives.store.add([newJob()]);
    // It may have been thought gone before, and counts as living because of this.
    const [job] = (await take(sleeps.store)) as [TakenJob];
    await sleeps.store.begin([{ ...job, generation: 1 }]);
    let again: TakenJob | undefined;
    while (again === undefined) [again] = await take(lives.store);
    expect(again.id).toBe(job.id);
    expect(await sleeps.store.settle([{ ...job, outcome: done('old') }])).toEqual(['lost']);
    expect(await lives.store.settle([{ ...again, outcome: done('new') }])).toEqual(['ok']);
    expect(await take(sleeps.store)).toEqual([]);
    expect(await lives.store.nodes()).toHaveLength(2);
  });

  test('a program that leaves gives back what it has, and others are told', async () => {
    const [leaves, stays] = [await openNode(server.url), await openNode(server.url)];
    await stays.store.add([newJob()]);
    await take(leaves.store);
    const left = gone(stays.store, leaves.node);
    await leaves.store.close();
    await left;
    expect(await take(stays.store)).toHaveLength(1);
  });

  test('a job whose program never got the answer that gave it goes back', async () => {
    const { store, node } = await openNode(server.url);
    // The same program as far as Redis knows, and this store learns nothing of what that one takes.
    const asks = await openNode(server.url, { node, liveness: SLOW });
    await store.add([newJob()]);
    const [job] = (await take(asks.store)) as [TakenJob];
    let again: readonly TakenJob[] = [];
    // Also where jobs are asked for without a pause.
    while (again.length === 0) again = await take(store);
    expect(again).toMatchObject([{ id: job.id, attempt: 1 }]);
  });

  test('what a program announces is there for the others with its next beat', async () => {
    const [one, other] = [await openNode(server.url), await openNode(server.url)];
    one.store.announce('{"plugins":["a"]}');
    const announced = async (): Promise<string | undefined> =>
      (await other.store.nodes()).find(({ node }) => node === one.node)?.text;
    while ((await announced()) === '');
    expect(await announced()).toBe('{"plugins":["a"]}');
  });

  test('a job that another program adds with BullMQ runs as the tool of its name, with its data, attempts and back-off', async () => {
    const { store } = await openNode(server.url, { plugins: () => ['plugin'] });
    const queue = queueOf('plugin');
    const found = hint(store, ({ kind }) => kind === 'waiting');
    await queue.add('execute', { text: 'ä' });
    // Nothing was published: it is found by looking.
    await found;
    await queue.add('sum', [1, 2], { attempts: 4, priority: 7, backoff: { type: 'exponential', delay: 50 } });
    const [plain, sum] = (await take(store, 2)) as [TakenJob, TakenJob];
    expect(plain).toMatchObject({ tool: undefined, attempts: 1, attempt: 1, priority: 0 });
    expect(unpackValue(Buffer.from(plain.input))).toEqual({ text: 'ä' });
    expect(sum).toMatchObject({ tool: 'sum', attempts: 4, backoff: { delayMs: 50, factor: 2 } });
    expect(unpackValue(Buffer.from(sum.input))).toEqual([1, 2]);
    await store.begin([{ ...plain, generation: 1 }]);
    await store.settle([{ ...plain, outcome: done({ said: 'Ä' }) }]);
    const [completed] = await queue.getCompleted();
    expect(completed?.returnvalue).toEqual({ said: 'Ä' });
    expect(await stateOf(store, plain.id)).toBe('done');
  });

  test('the same number in two queues is two jobs, and one that is given back is still the same', async () => {
    const { store } = await openNode(server.url);
    await queueOf('a').add('execute', 'of a');
    await queueOf('b').add('execute', 'of b');
    const [a] = (await take(store, 1, 'a')) as [TakenJob];
    const [b] = (await take(store, 1, 'b')) as [TakenJob];
    expect([a, b].map((job) => unpackValue(Buffer.from(job.input)))).toEqual(['of a', 'of b']);
    expect(a.id).not.toBe(b.id);
    await store.giveBack([a]);
    const [again] = (await take(store, 1, 'a')) as [TakenJob];
    expect(again.id).toBe(a.id);
  });

  test('a delayed job of another program is found once it is due', async () => {
    const { store } = await openNode(server.url, { plugins: () => ['plugin'] });
    const found = hint(store, ({ kind }) => kind === 'waiting');
    await queueOf('plugin').add('execute', 1, { delay: 20 });
    await found;
    expect(await take(store)).toHaveLength(1);
  });

  test.each([
    [0, 1_048_576],
    [0.01, 1_048_575],
    [-0.01, 1_048_577],
    [10_485.75, 1],
    [-10_485.75, 2_097_151],
    [1e300, 1],
    [-1e300, 2_097_151],
  ])('the priority %d is BullMQ’s %d', (ours, theirs) => {
    expect(bullPriority(ours)).toBe(theirs);
  });

  test('jobs of the highest and the lowest priorities are taken in their order', async () => {
    const { store } = await openNode(server.url);
    const priorities = [-1e300, 0, 1e300, -10_485.75, 0.01, 10_485.75, -0.01];
    const jobs = priorities.map((priority) => newJob({ priority }));
    await store.add(jobs);
    const taken = await take(store, 9);
    // Beyond what BullMQ tells apart, by age.
    expect(taken.map(({ priority }) => priority)).toEqual([1e300, 10_485.75, 0.01, 0, -0.01, -1e300, -10_485.75]);
  });

  test('the job that was made the first last is the first, also before those of a higher priority', async () => {
    const { store } = await openNode(server.url);
    const [low, high, other] = [newJob(), newJob({ priority: 5 }), newJob()];
    await store.add([low, high, other]);
    await store.place(low.id, undefined, true);
    await store.place(other.id, undefined, true);
    expect((await store.heads(['plugin']))[0]).toMatchObject({ id: other.id, priority: 5 });
    expect((await take(store, 3)).map(({ id }) => id)).toEqual([other.id, low.id, high.id]);
  });

  test('the heads say what would be taken next of each plugin, and since when it waits', async () => {
    const { store } = await openNode(server.url);
    const [a, b] = [newJob({ plugin: 'a', priority: 2.5 }), newJob({ plugin: 'b' })];
    await store.add([a, b, newJob({ plugin: 'a' }), newJob({ plugin: 'later', delayMs: 60_000 })]);
    const heads = await store.heads(['a', 'b', 'later', 'none']);
    expect(heads).toMatchObject([
      { plugin: 'a', id: a.id, priority: 2.5 },
      { plugin: 'b', id: b.id, priority: 0 },
    ]);
    for (const { waitedMs } of heads) expect(waitedMs).toBeGreaterThanOrEqual(0);
    await store.pause(['a']);
    expect((await store.heads(['a', 'b'])).map(({ plugin }) => plugin)).toEqual(['b']);
  });

  test('bull-board shows the jobs with their inputs, results and reasons, and not those that are blocked', async () => {
    const { store } = await openNode(server.url);
    const [fine, bad, first, later] = [
      newJob({ tool: 'sum', input: input({ n: [1, 2] }) }),
      newJob(),
      newJob({ input: input(1n << 80n) }),
      newJob({ delayMs: 60_000 }),
    ];
    const blocked = newJob({ after: [{ id: first.id, name: 'first' }] });
    await store.add([fine, bad, first, later, blocked]);
    const [one, two] = (await take(store, 2)) as [TakenJob, TakenJob];
    await store.begin([one, two].map((job) => ({ ...job, generation: 1 })));
    const error = errorText(new GreenroomError('E_CRASHED', 'It crashed.'));
    await store.settle([
      { ...one, outcome: done({ sum: 3 }) },
      { ...two, outcome: { end: 'failed', error } },
    ]);
    const board = await boardOf('plugin');
    expect(board.counts).toMatchObject({ completed: 1, failed: 1, prioritized: 1, delayed: 1, active: 0, waiting: 0 });
    expect(await board.jobs('completed')).toMatchObject([
      { id: fine.id, name: 'sum', data: { n: [1, 2] }, returnValue: { sum: 3 } },
    ]);
    expect(await board.jobs('failed')).toMatchObject([{ id: bad.id, failedReason: 'It crashed.' }]);
    expect((await board.jobs('prioritized')).map(({ id }) => id)).toEqual([first.id]);
  });

  /** A queue as bull-board shows it. */
  async function boardOf(name: string) {
    type Handler = (request: object) => Promise<{ body: { queues: { counts: object; jobs: BoardJob[] }[] } }>;
    type BoardJob = { id: string; name: string; data: unknown; returnValue: unknown; failedReason: string };
    let handler: Handler | undefined;
    const adapter = new BullMQAdapter(queueOf(name));
    const serverAdapter = {
      setQueues: (queuesOfBoard: unknown) => (
        ((serverAdapter as { queues?: unknown }).queues = queuesOfBoard), serverAdapter
      ),
      setApiRoutes: (routes: { route: string | string[]; handler: Handler }[]) => {
        handler = routes.find(({ route }) => [route].flat().includes('/api/queues'))?.handler;
        return serverAdapter;
      },
      setViewsPath: () => serverAdapter,
      setStaticPath: () => serverAdapter,
      setEntryRoute: () => serverAdapter,
      setErrorHandler: () => serverAdapter,
      setUIConfig: () => serverAdapter,
    };
    createBullBoard({ queues: [adapter], serverAdapter: serverAdapter as never });
    const ask = async (status: string) => {
      const { queues: bullQueues } = serverAdapter as unknown as { queues: unknown };
      const answer = await (handler as Handler)({
        queues: bullQueues,
        query: { activeQueue: name, status },
        params: {},
      });
      return answer.body.queues[0] as { counts: object; jobs: BoardJob[] };
    };
    const { counts } = await ask('latest');
    return { counts, jobs: async (status: string) => (await ask(status)).jobs };
  }

  test('what a dashboard removes is cancelled, and what it retries runs again', async () => {
    const { store } = await openNode(server.url, { plugins: () => ['plugin'] });
    const [waits, delayed, failed] = [newJob(), newJob({ delayMs: 100 }), newJob({ priority: 1 })];
    await store.add([waits, delayed, failed]);
    const [job] = (await take(store)) as [TakenJob];
    await store.begin([{ ...job, generation: 1 }]);
    await store.settle([{ ...job, outcome: { end: 'failed', error: CANCELLED } }]);
    const ended = [waits, delayed].map(({ id }) => hint(store, (told) => told.kind === 'ended' && told.id === id));
    const queue = queueOf('plugin');
    await Promise.all([queue.remove(waits.id), queue.remove(delayed.id)]);
    await Promise.all(ended);
    for (const each of await store.get([waits.id, delayed.id]))
      expect(each).toMatchObject({ state: 'cancelled', error: { code: 'E_CANCELLED' } });
    expect(await store.retry([waits.id])).toEqual(['cancelled']);
    await (await queue.getJob(failed.id))?.retry();
    expect((await take(store, 3)).map(({ id }) => id).toSorted()).toEqual([waits.id, failed.id].toSorted());
  });

  test('of jobs that were run here a queue has what BullMQ’s own Worker leaves of them', async () => {
    const { store, link } = await openNode(server.url, { liveness: SLOW });
    const queue = queueOf('theirs');
    const opts = { priority: bullPriority(0), attempts: 1 };
    await queue.addBulk([1, 2].map((n) => ({ name: 'execute', data: { n }, opts })));
    const worker = new Worker('theirs', async ({ data }: { data: { n: number } }) => data.n + 10, {
      ...{ connection: { path: server.socket }, name: 'worker', skipStalledCheck: true },
    });
    let ended = 0;
    await new Promise<void>((resolve) => worker.on('completed', () => ++ended === 2 && resolve()));
    await worker.close();
    await store.add([1, 2].map((n) => newJob({ plugin: 'ours', input: input({ n }) })));
    for (const n of [1, 2]) {
      const [job] = (await take(store, 1, 'ours')) as [TakenJob];
      await store.settle([{ ...job, outcome: done(n + 10) }]);
    }
    expect(await take(store, 1, 'ours')).toEqual([]);

    const endedIn = async (name: string): Promise<string[]> =>
      (await link.send(['ZRANGE', `bull:${name}:completed`, 0, -1])) as string[];
    const ran = { ours: await endedIn('ours'), theirs: await endedIn('theirs') };
    /** What there is of a queue, without what differs from job to job: its sets, and what its stream tells. */
    const left = async (name: 'ours' | 'theirs'): Promise<object> => {
      const jobs = ran[name];
      const keys = ((await link.send(['KEYS', `bull:${name}:*`])) as string[]).map((key) => key.split(':')[2] ?? '');
      const told = (await link.send(['XRANGE', `bull:${name}:events`, '-', '+'])) as [string, string[]][];
      return {
        sets: keys.filter((key) => !jobs.includes(key) && !['id', 'meta'].includes(key)).toSorted(),
        ended: (await endedIn(name)).length,
        jobs: await Promise.all(jobs.map((id) => jobLeft(`bull:${name}:${id}`))),
        told: told.map(([, fields]) => fields.map((field) => (jobs.includes(field) ? jobs.indexOf(field) : field))),
      };
    };
    const jobLeft = async (key: string): Promise<object> => {
      const flat = (await link.send(['HGETALL', key])) as string[];
      const fields = flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1]] as const] : []));
      const times = ['timestamp', 'processedOn', 'finishedOn', 'pb'];
      return Object.fromEntries(
        fields
          .filter(([name]) => !['greenroom', 'opts'].includes(name))
          .map(([name, value]) => [name, times.includes(name) ? typeof value : value]),
      );
    };
    expect(await left('ours')).toEqual(await left('theirs'));
    await (await queue.getJob(ran.theirs[0] ?? ''))?.remove();
    await store.remove([ran.ours[0] ?? '']);
    expect(await left('ours')).toEqual(await left('theirs'));
  });

  test('a queue that a dashboard has paused, or lets so many run of, gives no more than that', async () => {
    const { store } = await openNode(server.url);
    const queue = queueOf('plugin');
    const jobs = [newJob(), newJob(), newJob()];
    await store.add(jobs);
    await queue.pause();
    expect(await take(store, 3)).toEqual([]);
    await queue.resume();
    await queue.setGlobalConcurrency(2);
    expect((await take(store, 3)).map(({ id }) => id)).toEqual(jobs.slice(0, 2).map(({ id }) => id));
    await queue.removeGlobalConcurrency();
    expect((await take(store, 3)).map(({ id }) => id)).toEqual([jobs[2]?.id]);
  });

  test('jobs of other programs without a priority, and those that are due, are taken between more of ours than are moved at once', async () => {
    const { store } = await openNode(server.url, { liveness: SLOW });
    const ours = Array.from({ length: 40 }, () => newJob());
    await store.add(ours);
    const queue = queueOf('plugin');
    for (const name of ['first', 'second']) await queue.add('execute', name);
    const due = await queue.add('execute', 'due', { delay: 1, priority: 1 });
    while (Date.now() <= due.timestamp + 1);
    const taken = await take(store, 50);
    expect(taken.slice(0, 3).map((job) => unpackValue(Buffer.from(job.input)))).toEqual(['first', 'second', 'due']);
    expect(taken.slice(3).map(({ id }) => id)).toEqual(ours.map(({ id }) => id));
  });

  test('a plugin whose name has a colon has a queue, as BullMQ takes none in it', async () => {
    const { store } = await openNode(server.url);
    await store.add([newJob({ plugin: 'a:b%' })]);
    expect(await queueOf('a%3Ab%25').getJobCounts('prioritized')).toEqual({ prioritized: 1 });
    expect(await take(store, 1, 'a:b%')).toMatchObject([{ plugin: 'a:b%' }]);
  });

  test('long values are files in the shared folder that only their owner may read, and go with their jobs', async () => {
    const values = mkdtempSync(join(tmpdir(), 'gr-values-'));
    try {
      const [one, other] = [await openNode(server.url, { values }), await openNode(server.url, { values })];
      const [long, result] = [randomBytes(1_100_000), randomBytes(1_200_000)];
      await one.store.add([newJob({ input: long })]);
      const [job] = (await take(other.store)) as [TakenJob];
      expect(Buffer.compare(job.input, long)).toBe(0);
      await other.store.settle([{ ...job, outcome: { end: 'done', result } }]);
      expect(await other.store.settle([{ ...job, claim: 9, outcome: { end: 'done', result } }])).toEqual(['lost']);
      const [fleet = ''] = readdirSync(values);
      const folder = join(values, fleet);
      expect(statSync(folder).mode & 0o777).toBe(0o700);
      const files = readdirSync(folder);
      expect(files).toHaveLength(2);
      for (const file of files) expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
      const kept = await one.store.values(job.id);
      expect(Buffer.compare(kept?.result ?? long, result)).toBe(0);
      await failure(one.store.add([newJob({ input: long, after: [{ id: newJobId(), name: 'unknown' }] })]));
      await one.store.remove([job.id]);
      expect(readdirSync(folder)).toEqual([]);
    } finally {
      rmSync(values, { recursive: true, force: true });
    }
  });

  test('without a shared folder a long value is refused, and says what to do', async () => {
    const { store } = await openNode(server.url);
    const error = await failure(store.add([newJob({ input: new Uint8Array(1_100_000) })]));
    expect(error).toMatchObject({ code: 'E_SERIALIZE' });
    expect(error.message).toContain('is 1.0 MiB long, and Redis is given at most 1 MiB');
    expect(await store.counts()).toEqual([]);
  });

  test('without a shared folder a long result fails its job, and no other that ends with it', async () => {
    const { store } = await openNode(server.url);
    await store.add([newJob(), newJob()]);
    const [long, short] = (await take(store, 2)) as [TakenJob, TakenJob];
    const ended = (job: TakenJob, length: number) =>
      store.settle([{ ...job, outcome: { end: 'done', result: new Uint8Array(length) } }]);
    expect(await Promise.all([ended(long, 1_100_000), ended(short, 1)])).toEqual([['ok'], ['ok']]);
    const [failed, done] = await store.get([long.id, short.id]);
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'E_SERIALIZE' } });
    expect(failed?.error?.message).toContain(`The result of the job ${long.id} is 1.0 MiB long`);
    expect(done).toMatchObject({ state: 'done' });
  });

  test('a program that cannot read the value of a job has it wait, and says why', async () => {
    const values = mkdtempSync(join(tmpdir(), 'gr-values-'));
    try {
      const [one, other] = [await openNode(server.url, { values }), await openNode(server.url)];
      const job = newJob({ input: new Uint8Array(1_100_000) });
      await one.store.add([job]);
      expect(await take(other.store)).toEqual([]);
      const [read] = await one.store.get([job.id]);
      expect(read).toMatchObject({ state: 'delayed', error: { code: 'E_JOB_STORE' } });
      expect(read?.error?.message).toContain('the option values');
    } finally {
      rmSync(values, { recursive: true, force: true });
    }
  });

  test('no more jobs that have ended are kept than is asked, and those that others wait for are', async () => {
    const { store } = await openNode(server.url, { history: { maxJobs: 2, maxAgeMs: Infinity } });
    const first = newJob();
    const after = newJob({ after: [{ id: first.id, name: 'first' }], delayMs: 1_000_000 });
    await store.add([first, after, ...Array.from({ length: 10 }, () => newJob())]);
    for (const { id, claim } of await take(store, 20)) await store.settle([{ id, claim, outcome: done(1) }]);
    const kept = async () => (await store.list({ state: 'done' }, 100, undefined)).jobs.map(({ id }) => id);
    while ((await kept()).length > 3);
    expect(await kept()).toContain(first.id);
    expect(await queueOf('plugin').getJobCounts('completed')).toEqual({ completed: (await kept()).length });
  });

  test('what is removed leaves no key behind but what counts', async () => {
    const { store, link } = await openNode(server.url);
    const first = newJob({ key: 'k', ttlMs: 60_000 });
    const second = newJob({ after: [{ id: first.id, name: 'first' }] });
    await store.add([first, second]);
    for (let n = 0; n < 2; n += 1) {
      const [job] = (await take(store)) as [TakenJob];
      await store.begin([{ ...job, generation: 1 }]);
      await store.settle([{ ...job, outcome: done(1) }]);
    }
    await store.remove([first.id, second.id]);
    await store.close();
    const keys = (await link.send(['KEYS', '*'])) as string[];
    expect(
      keys.filter((key) => !/^(bull:plugin:(meta|events|id|marker|pc)|greenroom:(lastBeat|grace))$/.test(key)),
    ).toEqual([]);
  });
});
