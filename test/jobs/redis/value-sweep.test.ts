import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newJobId } from '../../../src/jobs/job-id.ts';
import type { TakenJob } from '../../../src/jobs/job-store.ts';
import { SharedValues } from '../../../src/jobs/redis/shared-values.ts';
import { fleetIdentity, ValueSweep } from '../../../src/jobs/redis/value-sweep.ts';
import { eventually } from '../../eventually.ts';
import { newJob } from '../new-job.ts';
import { hasRedis, RedisServer } from '../redis-server.ts';
import { closeNodes, type OpenedNode, openNode } from './redis-stores.ts';

describe.skipIf(!hasRedis)('with a redis-server', () => {
  let server: RedisServer;
  let folder = '';
  let node: OpenedNode;
  let fleet = '';
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.remove());
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'gr-values-'));
    // Its own sweep has no turn within a test.
    node = await openNode(server.url, { values: folder, liveness: { beatMs: 50, goneMs: 2_000, lookMs: 1e9 } });
    fleet = await fleetIdentity(node.link);
  });
  afterEach(async () => {
    await node.link.send(['FLUSHALL']);
    await closeNodes();
    rmSync(folder, { recursive: true, force: true });
  });

  const files = (): string[] => readdirSync(join(folder, fleet)).toSorted();
  const age = (name: string, hours = 25): void => {
    const then = (Date.now() - hours * 3_600_000) / 1_000;
    utimesSync(join(folder, fleet, name), then, then);
  };
  const leave = (name: string): string => {
    writeFileSync(join(folder, fleet, name), 'x');
    age(name);
    return name;
  };
  const sweepOf = (options = {}): ValueSweep =>
    new ValueSweep(node.link, new SharedValues(folder, fleet), fleet, options);
  /** A turn of a sweep, as if the last one of any were long ago. */
  const turnOf = async (sweep: ValueSweep): Promise<void> => {
    await node.link.send(['DEL', node.link.key('values', 'turn')]);
    await sweep.turn();
  };

  test('files that no job names are removed once they are a day old, and those of jobs stay at any age', async () => {
    const long = new Uint8Array(1024 * 1024 + 1);
    const [open, done, gone] = [newJob({ input: long }), newJob({ plugin: 'done' }), newJob({ input: long })];
    await node.store.add([open, done, gone]);
    const [taken] = (await node.store.take([{ plugin: 'done', count: 1 }])) as [TakenJob];
    await node.store.settle([{ ...taken, outcome: { end: 'done', result: long } }]);
    // As a program that ends before it has removed the files.
    await node.link.send(['DEL', node.link.key('job', gone.id)]);
    for (const name of files()) age(name);
    leave(`${newJobId()}.input`);
    leave(`${done.id}.result.99`);
    leave(`${newJobId()}.input.0b2c.draft`);
    const young = `${newJobId()}.input`;
    writeFileSync(join(folder, fleet, young), 'x');
    age(young, 23);
    await turnOf(sweepOf());
    expect(files()).toEqual([`${open.id}.input`, `${done.id}.result.${taken.claim}`, young].toSorted());
    expect((await node.store.values(open.id))?.input).toHaveLength(long.length);
    expect((await node.store.values(done.id))?.result).toHaveLength(long.length);
  });

  test('a turn looks at so many, and the next goes on behind them, whoever has it', async () => {
    const names = Array.from({ length: 5 }, () => leave(`${newJobId()}.input`)).toSorted();
    await turnOf(sweepOf({ most: 2 }));
    expect(files()).toEqual(names.slice(2));
    // One that came before them since is looked at when it is begun again.
    leave('0-early.input');
    await turnOf(sweepOf({ most: 2 }));
    await turnOf(sweepOf({ most: 2 }));
    expect(files()).toEqual(['0-early.input']);
    await turnOf(sweepOf({ most: 2 }));
    expect(files()).toEqual([]);
  });

  test('one program has a turn, and the others have none until the next is due', async () => {
    await sweepOf().turn();
    const name = leave(`${newJobId()}.input`);
    await sweepOf().turn();
    expect(files()).toEqual([name]);
  });

  test('the files of another fleet in the same folder, and those of a Redis that lost its data, stay', async () => {
    const other = await openNode(server.url, { values: folder }, { prefix: 'other' });
    await other.store.add([newJob({ input: new Uint8Array(1024 * 1024 + 1) })]);
    const otherFolder = join(folder, await fleetIdentity(other.link));
    const theirs = readdirSync(otherFolder);
    for (const name of theirs) utimesSync(join(otherFolder, name), 1, 1);
    const name = leave(`${newJobId()}.input`);
    const sweep = sweepOf();
    await node.link.send(['FLUSHALL']);
    await turnOf(sweep);
    expect(files()).toEqual([name]);
    expect(theirs).toHaveLength(1);
    expect(readdirSync(otherFolder)).toEqual(theirs);
    await fleetIdentity(node.link);
    await turnOf(sweep);
    expect(files()).toEqual([name]);
  });

  test('a node sweeps by itself', async () => {
    const orphan = leave(`${newJobId()}.input`);
    await openNode(server.url, { values: folder });
    await eventually(() => expect(files()).not.toContain(orphan));
  });
});
