import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { packValue, unpackValue } from '../../src/api/packed-value.ts';
import { moveJobs } from '../../src/fleet/move-jobs.ts';
import { EmbeddedStore } from '../../src/jobs/embedded/embedded-store.ts';
import { newJobId } from '../../src/jobs/job-id.ts';
import { output } from '../../src/jobs/job-output.ts';
import type { NewJob } from '../../src/jobs/job-store.ts';
import { closeNodes, openNode } from '../jobs/redis/redis-stores.ts';
import { hasRedis, RedisServer } from '../jobs/redis-server.ts';

let redis: RedisServer;
let folder = '';

beforeAll(async () => {
  if (hasRedis) redis = await RedisServer.start();
});

afterAll(async () => {
  if (hasRedis) await redis.remove();
});

afterEach(async () => {
  await closeNodes();
  rmSync(folder, { recursive: true, force: true });
});

function job(input: unknown, more: Partial<NewJob> = {}): NewJob {
  return {
    ...{ id: newJobId(), plugin: 'tools', tool: undefined, priority: 0, attempts: 3, delayMs: 0, once: false },
    ...{ backoff: { delayMs: 1_000, factor: 2, maxMs: 60_000 }, timeoutMs: undefined, ttlMs: undefined },
    ...{ key: undefined, after: [], input: packValue(input, 'input'), ...more },
  };
}

async function openFolder(): Promise<EmbeddedStore> {
  folder ||= mkdtempSync(join(tmpdir(), 'gr-move-'));
  const history = { maxJobs: 1_000, maxAgeMs: 1e12 };
  return (await EmbeddedStore.open(folder, history, () => {})).store;
}

test.skipIf(!hasRedis)(
  'jobs move with identifiers, keys, priorities and what they come after, once, also where it was cut off',
  async () => {
    folder = '';
    const from = await openFolder();
    const done = job({ n: 1 });
    await from.add([done]);
    const [taken] = await from.take([{ plugin: 'tools', count: 1 }]);
    await from.begin([{ id: done.id, claim: taken?.claim ?? 0, once: false, generation: 1 }]);
    await from.settle([
      {
        id: done.id,
        claim: taken?.claim ?? 0,
        outcome: { end: 'done', result: packValue({ text: 'hello' }, 'result') },
      },
    ]);
    const keyed = job({ n: 2 }, { key: 'two', priority: 7, once: true, timeoutMs: 5_000 });
    const delayed = job({ n: 3 }, { delayMs: 60_000, stream: true });
    const after = job(
      { greeting: output('said', '/text'), other: output('later') },
      {
        after: [
          { id: done.id, name: 'said' },
          { id: keyed.id, name: 'later' },
        ],
      },
    );
    const many = Array.from({ length: 150 }, (_, n) => job({ n }));
    await from.add([keyed, delayed, after, ...many]);
    await from.close();

    const node = await openNode(redis.url, {}, { prefix: 'moved' });
    let batches = 0;
    const cutOff = moveJobs(
      folder,
      {
        pause: (plugins) => node.store.pause(plugins),
        add: async (jobs) => {
          batches += 1;
          if (batches === 2) {
            // As where the answer does not arrive any more: the other store has them.
            await node.store.add(jobs);
            throw new Error('cut off');
          }
          return node.store.add(jobs);
        },
      },
      () => {},
    );
    await expect(cutOff).rejects.toThrow('cut off');
    expect(await moveJobs(folder, node.store, () => {})).toEqual({ moved: 53, left: 0 });
    expect(await moveJobs(folder, node.store, () => {})).toEqual({ moved: 0, left: 0 });

    const ids = [keyed, delayed, after, ...many].map(({ id }) => id);
    const there = await node.store.get(ids);
    expect(there.every((each) => each !== undefined)).toBe(true);
    expect(there.slice(0, 3)).toMatchObject([
      { id: keyed.id, key: 'two', priority: 7, once: true, state: 'waiting' },
      { id: delayed.id, state: 'delayed', stream: true },
      { id: after.id, state: 'blocked', after: [keyed.id] },
    ]);
    const counts = await node.store.counts();
    expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(153);
    const values = await node.store.values(after.id);
    expect(unpackValue(Buffer.from(values?.input ?? []))).toMatchObject({ greeting: 'hello' });

    // What had ended is where it was.
    const again = await openFolder();
    expect(await again.counts()).toEqual([{ plugin: 'tools', state: 'done', count: 1 }]);
    await again.close();
  },
);

test.skipIf(!hasRedis)('jobs that wait keep the places that first() gave them, also before a later one', async () => {
  folder = '';
  const from = await openFolder();
  const jobs = Array.from({ length: 120 }, (_, n) => job({ n }));
  const urgent = job({ n: 'urgent' }, { priority: 5 });
  const after = job({ n: 'after' }, { after: [{ id: jobs[7]?.id ?? '', name: 'seventh' }] });
  await from.add([...jobs, after]);
  await from.place(jobs[119]?.id ?? '', undefined, true);
  await from.place(jobs[60]?.id ?? '', undefined, true);
  await from.place(after.id, undefined, true);
  await from.add([urgent]);
  await from.close();
  const node = await openNode(redis.url, {}, { prefix: 'places' });
  expect(await moveJobs(folder, node.store, () => {})).toEqual({ moved: 122, left: 0 });
  const taken = await node.store.take([{ plugin: 'tools', count: 5 }]);
  const first = [urgent, jobs[60], jobs[119], jobs[0], jobs[1]];
  expect(taken.map(({ id }) => id)).toEqual(first.map((each) => each?.id));
});

test.skipIf(!hasRedis)('what was paused is paused where the jobs are then, and nothing else', async () => {
  folder = '';
  const from = await openFolder();
  await from.add([job({ n: 1 }), job({ n: 2 }, { plugin: 'other' })]);
  await from.pause(['tools']);
  await from.close();
  const node = await openNode(redis.url, {}, { prefix: 'paused' });
  await moveJobs(folder, node.store, () => {});
  expect(await node.store.paused()).toEqual(['tools']);
  expect(await node.store.take([{ plugin: 'tools', count: 1 }])).toEqual([]);

  // Resumed there, it is not paused by what is moved later.
  await node.store.resume([]);
  const again = await openFolder();
  expect(await again.paused()).toEqual([]);
  await again.add([job({ n: 3 })]);
  await again.close();
  await moveJobs(folder, node.store, () => {});
  expect(await node.store.paused()).toEqual([]);

  const all = await openFolder();
  await all.add([job({ n: 4 })]);
  await all.pause([]);
  await all.close();
  await node.store.add([job({ n: 5 }, { plugin: 'of others' })]);
  await moveJobs(folder, node.store, () => {});
  expect(await node.store.paused()).toEqual(['tools']);
});
