import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Jobs } from '../../src/jobs/index.ts';
import { openJobs } from '../../src/jobs/index.ts';
import { eventually } from '../eventually.ts';
import { hasRedis, RedisServer } from '../jobs/redis-server.ts';
import { becomes, door, type ManifestOf, type OpenedSupervisor, openSupervisor } from '../runtime/greenroom.ts';

const workbench = (ramMb = 100): ManifestOf => ({
  fixture: 'workbench',
  resources: { min_system_ram_mb: ramMb },
});

interface Node extends OpenedSupervisor {
  readonly jobs: Jobs;
}

let redis: RedisServer;
let fleets = 0;
let prefix = '';
const open: Node[] = [];

beforeAll(async () => {
  if (hasRedis) redis = await RedisServer.start();
});

afterAll(async () => {
  if (hasRedis) await redis.remove();
});

afterEach(async () => {
  // All at once, as the sockets of one may be in the folder of another.
  await Promise.all(open.splice(0).map(({ jobs, supervisor }) => Promise.all([jobs.close(), supervisor.stop()])));
});

function newFleet(): void {
  fleets += 1;
  prefix = `fleet-${fleets}`;
}

async function openNode(name: string, manifests: Record<string, ManifestOf>, ramMb = 1_000): Promise<Node> {
  const opened = await openSupervisor(manifests, { capacity: { ramMb } });
  const { supervisor } = opened;
  const jobs = await openJobs({ supervisor, fleet: { redis: redis.url, name, prefix } });
  const node = { ...opened, jobs };
  open.push(node);
  return node;
}

const loadsOf = ({ transitions }: OpenedSupervisor): number =>
  transitions.filter(({ from, to }) => from === 'spawning' && to === 'ready').length;

test.skipIf(!hasRedis)('a job is run by the node that has its plugin, wherever it was added', async () => {
  newFleet();
  const one = await openNode('one', { left: workbench() });
  const two = await openNode('two', { right: workbench() });
  const [left, right] = await Promise.all([
    two.jobs.add('left', { do: 'pause', ms: 1, value: 'from one' }),
    one.jobs.add('right', { do: 'pause', ms: 1, value: 'from two' }),
  ]);
  expect([left.waitsFor, right.waitsFor]).toEqual([undefined, undefined]);
  expect(await Promise.all([left.result(), right.result()])).toEqual(['from one', 'from two']);
  expect(two.transitions.some(({ plugin }) => plugin === 'left')).toBe(false);
});

test.skipIf(!hasRedis)('jobs go to the node that has loaded their plugin, and no other loads it', async () => {
  newFleet();
  const manifests = { tools: workbench() };
  const nodes = [
    await openNode('one', manifests),
    await openNode('two', manifests),
    await openNode('three', manifests),
  ];
  for (let index = 0; index < 10; index += 1)
    await (await nodes[index % 3]?.jobs.add('tools', { do: 'pause', ms: 1 }))?.result();
  expect(nodes.map(loadsOf).toSorted((a, b) => a - b)).toEqual([0, 0, 1]);
});

test.skipIf(!hasRedis)('a job for a plugin that no node has waits, and is told so with the nearest name', async () => {
  newFleet();
  const one = await openNode('one', {});
  const two = await openNode('two', { transcribe: workbench() });
  const job = await one.jobs.add('transcibe', {});
  expect(job.waitsFor).toBe('No node of the fleet has a plugin "transcibe". Did you mean "transcribe"?');
  expect((await two.jobs.read(job.id)).waitsFor).toContain('Did you mean "transcribe"?');
  expect(await job.cancel()).toBe('cancelled');
});

test.skipIf(!hasRedis)('a job that runs on another node is cancelled from here', async () => {
  newFleet();
  const one = await openNode('one', {});
  const two = await openNode('two', { tools: workbench() });
  const gate = door(two);
  const job = await one.jobs.add('tools', { do: 'wait', for: gate.file });
  await eventually(async () => expect((await job.read()).state).toBe('running'));
  expect(await job.cancel()).toBe('cancelled');
  await becomes(two, 'tools', { inFlight: 0 });
});

test.skipIf(!hasRedis)(
  'what does not fit beside work is taken by another node, and nothing is evicted for it',
  async () => {
    newFleet();
    const manifests = { one: workbench(600), two: workbench(600) };
    const nodes = [await openNode('a', manifests), await openNode('b', manifests)];
    const [gateA, gateB] = [door(nodes[0] as Node), door(nodes[1] as Node)];
    const first = await nodes[0]?.jobs.add('one', { do: 'wait', for: gateA.file });
    const second = await nodes[0]?.jobs.add('two', { do: 'wait', for: gateB.file });
    await eventually(async () =>
      expect([(await first?.read())?.state, (await second?.read())?.state]).toEqual(['running', 'running']),
    );
    expect(nodes.map(({ supervisor }) => supervisor.status().scheduling.evicted)).toEqual([0, 0]);
    expect(nodes.map(loadsOf)).toEqual([1, 1]);
    gateA.open();
    gateB.open();
    await Promise.all([first?.result(), second?.result()]);
  },
);

test.skipIf(!hasRedis)('a node that closes hands back what has not begun, and another runs it', async () => {
  newFleet();
  const one = await openNode('one', { tools: { ...workbench(), max_concurrency: 1 } });
  const gate = door(one);
  const running = await one.jobs.add('tools', { do: 'wait', for: gate.file, value: 'first' });
  await eventually(async () => expect((await running.read()).state).toBe('running'));
  const waiting = await one.jobs.add('tools', { do: 'pause', ms: 1, value: 'second' });
  const two = await openNode('two', { tools: workbench() });
  const closed = one.jobs.close();
  expect(await (await two.jobs.get(waiting.id)).result()).toBe('second');
  gate.open();
  await closed;
  expect((await two.jobs.read(running.id)).state).toBe('done');
});
