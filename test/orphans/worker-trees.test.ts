import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sweepOrphans } from '../../src/orphans/orphan-sweep.ts';
import { readRecords, writeRecord } from '../../src/orphans/supervisor-record.ts';
import { cgroupsAreDelegated } from '../../src/orphans/worker-cgroup.ts';
import { WorkerTrees } from '../../src/orphans/worker-trees.ts';
import { readProcStat } from '../../src/process/proc-stat.ts';
import { eventually } from '../eventually.ts';

type Family = Readonly<Record<'leader' | 'child' | 'session' | 'orphan' | 'stranger', number>>;

const FAMILY = fileURLToPath(new URL('../fixtures/processes/family.py', import.meta.url));
const HOST = fileURLToPath(new URL('../fixtures/processes/family-host.mjs', import.meta.url));
const started: number[] = [];
let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'gr-'));
});

afterEach(() => {
  for (const pid of started.splice(0)) if (lives(pid)) process.kill(pid, 'SIGKILL');
  rmSync(dataDir, { recursive: true, force: true });
});

function lives(pid: number): boolean {
  const stat = readProcStat(pid);
  return stat !== null && !stat.zombie;
}

function startHost(tier: string): ChildProcess {
  const host = spawn(process.execPath, [HOST, dataDir, tier], { stdio: ['ignore', 'pipe', 'inherit'] });
  started.push(host.pid as number);
  return host;
}

async function familyOf(child: ChildProcess): Promise<Family> {
  const [line] = await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line');
  const family = JSON.parse(String(line)) as Family;
  started.push(...Object.values(family));
  return family;
}

const gone = (pids: readonly number[]) => eventually(() => expect(pids.filter(lives)).toEqual([]), { interval: 5 });

const linux = existsSync('/proc/self/environ');
const tiers = [
  { tier: 'mark', covered: ['leader', 'child', 'session', 'orphan'], runs: linux },
  { tier: 'cgroup', covered: ['leader', 'child', 'session', 'orphan', 'stranger'], runs: cgroupsAreDelegated() },
] as const;

describe.each(tiers)('under the tier "$tier"', ({ tier, covered, runs }) => {
  const coveredOf = (family: Family): number[] => covered.map((kind) => family[kind]);

  function startFamily(seconds: number) {
    const trees = new WorkerTrees(dataDir, { cgroups: tier === 'cgroup' });
    const tree = trees.open('family');
    const child = spawn('python3', [FAMILY, String(seconds)], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env['PATH'], ...tree.mark },
    });
    tree.started(child.pid as number);
    child.once('exit', () => tree.exited());
    return { trees, tree, child };
  }

  it.runIf(runs)('all that a worker has started is gone once it has ended by itself', async () => {
    const { trees, tree, child } = startFamily(0.1);
    await tree.protect();
    const family = await familyOf(child);
    await once(child, 'exit');
    await tree.gone();
    expect(coveredOf(family).filter(lives)).toEqual([]);
    await trees.close();
    expect(readRecords(dataDir)).toEqual([]);
  });

  it.runIf(runs)('all that a worker has started is gone once it was killed', async () => {
    const { trees, tree, child } = startFamily(600);
    await tree.protect();
    const family = await familyOf(child);
    trees.killAll();
    await once(child, 'exit');
    await tree.gone();
    expect(coveredOf(family).filter(lives)).toEqual([]);
    await trees.close();
  });

  it.runIf(runs)('all that a worker has started is gone once its host was killed', async () => {
    const host = startHost(tier);
    const family = await familyOf(host);
    const [record] = readRecords(dataDir);
    host.kill('SIGKILL');
    await gone(coveredOf(family));
    await eventually(() => expect(existsSync(record?.cgroup ?? '/nowhere')).toBe(false));
  });

  it.runIf(runs)(
    'what is left of a host that was killed with its guard is ended by the next of its data directory',
    async () => {
      const host = startHost(tier);
      const family = await familyOf(host);
      const [record] = readRecords(dataDir);
      const guard = childrenOf(host.pid as number).find((pid) => pid !== family.leader) as number;
      // Both at once, by a signal to each while neither runs.
      for (const pid of [host.pid as number, guard]) process.kill(pid, 'SIGSTOP');
      for (const pid of [guard, host.pid as number]) process.kill(pid, 'SIGKILL');
      await gone([guard, host.pid as number]);
      expect(coveredOf(family).every(lives)).toBe(true);
      expect(await sweepOrphans(dataDir)).toBe(1);
      await gone(coveredOf(family));
      expect(readRecords(dataDir)).toEqual([]);
      if (record?.cgroup !== null) expect(existsSync(record?.cgroup as string)).toBe(false);
    },
  );
});

describe.runIf(linux)('the next supervisor of a data directory', () => {
  it('spares the workers of one that lives', async () => {
    const host = startHost('mark');
    const family = await familyOf(host);
    expect(await sweepOrphans(dataDir)).toBe(0);
    expect(Object.values(family).every(lives)).toBe(true);
    expect(readRecords(dataDir)).toHaveLength(1);
    host.kill('SIGKILL');
    await gone([family.leader, family.child, family.session, family.orphan]);
  });

  it('spares a stranger who got the number of a dead supervisor, and what bears no mark', async () => {
    const stranger = spawn('sleep', ['600']);
    started.push(stranger.pid as number);
    const record = {
      id: '0123456789ab',
      pid: stranger.pid as number,
      startTime: '1',
      bootId: null,
      pidNamespace: null,
      cgroup: null,
      folders: [],
    };
    const trees = new WorkerTrees(dataDir);
    const tree = trees.open('any');
    const [own] = readRecords(dataDir);
    writeRecord(dataDir, { ...record, bootId: own?.bootId ?? null, pidNamespace: own?.pidNamespace ?? null });
    expect(await sweepOrphans(dataDir)).toBe(1);
    expect(lives(stranger.pid as number)).toBe(true);
    expect(readRecords(dataDir)).toEqual([own]);
    await tree.discard();
    await trees.close();
  });

  it('leaves one in another container alone, and forgets one from before the machine was started anew', async () => {
    const trees = new WorkerTrees(dataDir);
    const tree = trees.open('any');
    const [own] = readRecords(dataDir);
    if (own === undefined) throw new Error('There is no record.');
    writeRecord(dataDir, { ...own, id: 'aaaaaaaaaaaa', cgroup: null, pidNamespace: 'pid:[1]' });
    writeRecord(dataDir, { ...own, id: 'bbbbbbbbbbbb', cgroup: null, bootId: 'another' });
    expect(await sweepOrphans(dataDir)).toBe(1);
    expect(
      readRecords(dataDir)
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual([own.id, 'aaaaaaaaaaaa'].toSorted());
    await tree.discard();
    await trees.close();
  });

  it('removes nothing that a supervisor does not make, whatever a record says', async () => {
    const folder = join(dataDir, 'mine');
    const trees = new WorkerTrees(dataDir);
    const tree = trees.open('any');
    const [own] = readRecords(dataDir);
    if (own === undefined) throw new Error('There is no record.');
    writeRecord(dataDir, { ...own, id: 'cccccccccccc', cgroup: folder, bootId: 'another' });
    writeRecord(dataDir, { ...own, id: 'dddddddddddd', cgroup: null, folders: [folder], bootId: 'another' });
    expect(await sweepOrphans(dataDir)).toBe(0);
    await tree.discard();
    await trees.close();
  });
});

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && readProcStat(pid)?.ppid === parent);
}
