import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { CallOptions, Progress } from '../../src/calls/call-options.ts';
import type { Jobs } from '../../src/jobs/index.ts';
import { openJobs } from '../../src/jobs/index.ts';
import { RedisLink } from '../../src/jobs/redis/redis-link.ts';
import { RedisReplies } from '../../src/jobs/redis/redis-replies.ts';
import type { Supervisor } from '../../src/runtime/supervisor.ts';
import { eventually } from '../eventually.ts';
import { hasRedis, RedisServer } from '../jobs/redis-server.ts';
import { becomes, failure, type OpenedSupervisor, openSupervisor } from '../runtime/greenroom.ts';

// A program without plugins calls those of another one.
let redis: RedisServer;
let fleets = 0;
let here: Supervisor;
let there: OpenedSupervisor;
const open: { readonly jobs: Jobs; readonly supervisor: Supervisor }[] = [];

beforeAll(async () => {
  if (hasRedis) redis = await RedisServer.start();
});

afterAll(async () => {
  if (hasRedis) await redis.remove();
});

afterEach(async () => {
  await Promise.all(open.splice(0).map(({ jobs, supervisor }) => Promise.all([jobs.close(), supervisor.stop()])));
});

async function openFleet(): Promise<Jobs> {
  fleets += 1;
  const join = async (opened: OpenedSupervisor): Promise<Jobs> => {
    const { supervisor } = opened;
    const jobs = await openJobs({ supervisor, fleet: { redis: redis.url, prefix: `calls-${fleets}` } });
    open.push({ jobs, supervisor });
    return jobs;
  };
  const caller = await openSupervisor({});
  here = caller.supervisor;
  there = await openSupervisor({ tools: { fixture: 'workbench', max_concurrency: 2 } });
  await join(there);
  return join(caller);
}

const inFleet = { fleet: true } as const;

test.skipIf(!hasRedis)('a call runs on another node, and its progress comes back before its result', async () => {
  const jobs = await openFleet();
  const steps: Progress[] = [];
  const onProgress = (progress: Progress): unknown => steps.push(progress);
  expect(await here.execute('tools', { do: 'steps', count: 3 }, { ...inFleet, onProgress })).toBe('done');
  expect(steps.map(({ message }) => message)).toEqual(['step 1', 'step 2', 'step 3']);
  // It leaves nothing behind.
  expect((await jobs.list()).jobs).toEqual([]);
});

test.skipIf(!hasRedis)('a stream comes in its order and whole, also to a reader that is slower than it', async () => {
  await openFleet();
  const indexes: number[] = [];
  for await (const chunk of here.stream<{ index: number }>('tools', { count: 500, size: 1_000 }, inFleet)) {
    indexes.push(chunk.index);
    if (indexes.length % 100 === 0) await new Promise((resolve) => void setTimeout(resolve, 20));
  }
  expect(indexes).toEqual(Array.from({ length: 500 }, (_, index) => index));
});

test.skipIf(!hasRedis)('what a stream says before it fails is read before its error', async () => {
  await openFleet();
  const read: unknown[] = [];
  const stream = here.stream('tools', { count: 9, failAt: 2 }, inFleet);
  const reading = (async () => {
    for await (const chunk of stream) read.push(chunk);
  })();
  expect(await failure(reading)).toMatchObject({ code: 'E_REMOTE', remote: { message: 'in the middle' } });
  expect(read).toHaveLength(2);
});

test.skipIf(!hasRedis)('who leaves a stream that never ends, or cancels a call, ends it where it runs', async () => {
  await openFleet();
  const stream = here.stream('tools', { pause: 1 }, inFleet);
  await stream.next();
  await stream.return?.();
  await becomes(there, 'tools', { inFlight: 0 });
  const stop = new AbortController();
  const call = here.execute('tools', { do: 'wait', for: '/nowhere' }, { ...inFleet, signal: stop.signal });
  await becomes(there, 'tools', { inFlight: 1 });
  stop.abort(new Error('no longer wanted'));
  expect(await failure(call)).toMatchObject({ code: 'E_CANCELLED', cause: { message: 'no longer wanted' } });
  await becomes(there, 'tools', { inFlight: 0 });
});

test.skipIf(!hasRedis)(
  'a stream is left at once while it is awaited, by name and at the end of its block',
  async () => {
    await openFleet();
    const stream = here.stream('tools', { pause: 1_500 }, inFleet);
    await stream.next();
    const next = stream.next();
    await stream.return?.();
    expect(await next).toEqual({ done: true, value: undefined });
    await becomes(there, 'tools', { inFlight: 0 });
    const other = here.stream('tools', { pause: 1_500 }, inFleet);
    await other.next();
    await other[Symbol.asyncDispose]();
    await becomes(there, 'tools', { inFlight: 0 });
  },
);

test.skipIf(!hasRedis)('a stream of which the Redis has lost a part does not end well', async () => {
  await openFleet();
  const link = await RedisLink.open({ url: redis.url, prefix: `calls-${fleets}` });
  // More than its reader holds, so that the rest waits in the Redis.
  const stream = here.stream('tools', { count: 1_200, size: 10_000 }, inFleet);
  await stream.next();
  const [list] = await waiting(link);
  await link.send(['DEL', String(list)]);
  await link.close();
  const reading = (async () => {
    for await (const _ of stream);
  })();
  expect(await failure(reading)).toMatchObject({
    code: 'E_JOB_STORE',
    message: expect.stringContaining('1200 chunks'),
  });
});

/** The lists in which full measure waits for callers. */
async function waiting(link: RedisLink): Promise<readonly unknown[]> {
  for (;;) {
    const keys = (await link.send(['KEYS', link.key('reply', '*')])) as readonly string[];
    const lengths = (await link.sendAll(keys.map((key) => ['LLEN', key]))) as readonly number[];
    if (lengths.some((length) => length === 64)) return keys;
  }
}

test.skipIf(!hasRedis)('progress is left out that a Redis does not take', async () => {
  await using link = await RedisLink.open({ url: redis.url, prefix: 'flooded' });
  const replies = await RedisReplies.open(link, 'caller');
  const sent = vi.spyOn(link, 'run').mockImplementation(() => new Promise(() => {}));
  const caller = { node: 'caller', wants: 'progress' } as const;
  for (let n = 0; n < 10_000; n += 1) replies.progress('job', caller, { progress: n / 10_000, message: '' });
  expect(sent).toHaveBeenCalledTimes(64);
  replies.close();
});

test.skipIf(!hasRedis)('what waits for a slow reader is kept for as long as it listens', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const link = await RedisLink.open({ url: redis.url, prefix: 'kept' });
  try {
    const replies = await RedisReplies.open(link, 'caller');
    const said = replies.listen('job');
    await link.send(['RPUSH', link.key('reply', 'job'), 'c']);
    await link.send(['PEXPIRE', link.key('reply', 'job'), 30_000]);
    vi.advanceTimersByTime(20_000);
    expect(await link.send(['PTTL', link.key('reply', 'job')])).toBeGreaterThan(30_000);
    said.close();
    replies.close();
  } finally {
    vi.useRealTimers();
    await link.close();
  }
});

test.skipIf(!hasRedis)('a call that is cancelled before it was asked for is not made', async () => {
  const jobs = await openFleet();
  const stop = new AbortController();
  const call = here.execute('tools', { do: 'wait', for: '/nowhere' }, { ...inFleet, signal: stop.signal });
  stop.abort();
  expect(await failure(call)).toMatchObject({ code: 'E_CANCELLED' });
  expect((await jobs.list()).jobs).toEqual([]);
});

test.skipIf(!hasRedis)('a call that takes too long says what it was at', async () => {
  await openFleet();
  const call = here.execute('tools', { do: 'wait', for: '/nowhere' }, { ...inFleet, timeoutMs: 1_500 });
  expect(await failure(call)).toMatchObject({ code: 'E_TIMEOUT', message: expect.stringContaining('1500 ms; it was') });
  await becomes(there, 'tools', { inFlight: 0 });
});

test.skipIf(!hasRedis)('a call whose caller is gone is given up', async () => {
  await openFleet();
  const stream = here.stream('tools', { pause: 1 }, inFleet);
  await stream.next();
  const [, caller] = open;
  await Promise.all([caller?.jobs.close(), caller?.supervisor.stop()]);
  await becomes(there, 'tools', { inFlight: 0 });
});

test.skipIf(!hasRedis)(
  'what a call through the fleet cannot do is refused, and a plugin that nobody has is named',
  async () => {
    await openFleet();
    const refused = (options: object): Promise<unknown> =>
      failure(here.execute('tools', {}, { ...inFleet, ...options } as object));
    for (const [options, name] of [
      [{ integers: 'number' }, 'integers'],
      [{ validate: 'both' }, 'validate: "both"'],
    ] as const)
      expect(await refused(options)).toMatchObject({ code: 'E_OPTIONS', message: expect.stringContaining(name) });
    expect(await failure(here.execute('tool', {}, inFleet))).toMatchObject({
      code: 'E_UNKNOWN_PLUGIN',
      message: 'No node of the fleet has a plugin "tool". Did you mean "tools"?',
    });
  },
);

test.skipIf(!hasRedis)(
  'calls that are made when the jobs are closed are cancelled, and nothing of them is kept',
  async () => {
    const jobs = await openFleet();
    const call = here.execute('tools', { do: 'wait', for: '/nowhere' }, inFleet);
    await becomes(there, 'tools', { inFlight: 1 });
    await Promise.all([
      expect(call).rejects.toMatchObject({
        code: 'E_CANCELLED',
        cause: { message: 'The jobs of the fleet were closed.' },
      }),
      jobs.close(),
    ]);
    await becomes(there, 'tools', { inFlight: 0 });
    expect((await open[0]?.jobs.list())?.jobs).toEqual([]);
  },
);

describe.skipIf(!hasRedis)('while Redis is away', () => {
  /** As a Redis that hangs, and a network that loses everything: no connection ends. */
  const away = async (act: () => Promise<void>): Promise<void> => {
    redis.freeze();
    try {
      await act();
    } finally {
      redis.thaw();
    }
  };
  /** What a call fails with before a Redis is given up that is asked for something else now. */
  const soon = (jobs: Jobs, call: Promise<unknown>): Promise<unknown> =>
    Promise.race([failure(call), failure(jobs.list()).then(() => 'too late')]);

  test('a call ends at its time, and its abort with its reason; what runs is cancelled once Redis is back', async () => {
    const jobs = await openFleet();
    const stop = new AbortController();
    const wait = { do: 'wait', for: '/nowhere' };
    await here.execute('tools', { do: 'steps', count: 1 }, inFleet);
    const begun: Promise<void>[] = [];
    // What has told of its progress is known here to be put in.
    const told = (): CallOptions => {
      let onProgress = (): void => {};
      begun.push(new Promise((resolve) => (onProgress = resolve)));
      return { ...inFleet, onProgress };
    };
    const aborted = here.execute('tools', wait, { ...told(), signal: stop.signal });
    aborted.catch(() => {});
    await Promise.all(begun);
    // Away from when the caller has read what the call says, and is about to read on.
    const { onProgress } = told();
    const goAway = (progress: Progress): void => {
      redis.freeze();
      onProgress?.(progress);
    };
    const timed = here.execute('tools', wait, { ...inFleet, onProgress: goAway, timeoutMs: 6_000 });
    timed.catch(() => {});
    await Promise.all(begun);
    await away(async () => {
      stop.abort(new Error('no longer wanted'));
      expect(await soon(jobs, aborted)).toMatchObject({ code: 'E_CANCELLED', cause: { message: 'no longer wanted' } });
      // However much of its time is over by now.
      expect(await failure(timed)).toMatchObject({ code: 'E_TIMEOUT' });
    });
    await becomes(there, 'tools', { inFlight: 0 });
    await eventually(async () => expect((await jobs.list()).jobs).toEqual([]));
  });

  test('a call and a stream that could not be put in end so too', async () => {
    const jobs = await openFleet();
    await away(async () => {
      const call = here.execute('tools', { do: 'steps', count: 1 }, { ...inFleet, timeoutMs: 300 });
      expect(await soon(jobs, call)).toMatchObject({
        code: 'E_TIMEOUT',
        message: expect.stringContaining('waiting for the Redis of the fleet'),
      });
      const stop = new AbortController();
      const stream = here.stream('tools', { count: 3 }, { ...inFleet, signal: stop.signal });
      const next = stream.next();
      stop.abort(new Error('not read any more'));
      expect(await soon(jobs, next)).toMatchObject({ code: 'E_CANCELLED', cause: { message: 'not read any more' } });
      // Without a time of its own, too: nobody waits until Redis is back for what cannot be withdrawn before.
      expect(await failure(here.execute('tools', { do: 'steps', count: 1 }, inFleet))).toMatchObject({
        code: 'E_JOB_STORE',
      });
    });
    await eventually(async () => expect((await jobs.list()).jobs).toEqual([]));
  });
});

test('a program that is in no fleet is told how to join one', async () => {
  const { supervisor } = await openSupervisor({ tools: { fixture: 'workbench' } });
  expect(await failure(supervisor.execute('tools', {}, inFleet))).toMatchObject({ code: 'E_OPTIONS' });
  expect(() => supervisor.stream('tools', {}, inFleet)).toThrow('openJobs({ supervisor, fleet })');
});
