import { type ChildProcess, spawn } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { startGuard } from '../../src/orphans/guard.ts';
import { orphanProtection } from '../../src/orphans/orphan-protection.ts';
import { groupMembers, killGroup } from '../../src/process/process-group.ts';
import { eventually } from '../eventually.ts';

const HOST = fileURLToPath(new URL('../fixtures/processes/guarded-host.mjs', import.meta.url));
const started: number[] = [];
const hosts: ChildProcess[] = [];

afterEach(() => {
  for (const host of hosts.splice(0)) host.kill('SIGKILL');
  for (const pgid of started.splice(0)) killGroup(pgid, 'SIGKILL');
});

function group(): number {
  const child = spawn('/bin/sh', ['-c', 'sleep 300 & wait'], { detached: true, stdio: 'ignore' });
  if (child.pid === undefined) throw new Error('No shell could be started.');
  started.push(child.pid);
  return child.pid;
}

function startHost(groups: number) {
  const host = spawn(process.execPath, [HOST, String(groups)], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  hosts.push(host);
  if (host.pid !== undefined) started.push(host.pid);
  const reports = createInterface({ input: host.stdout })[Symbol.asyncIterator]();
  const report = async (): Promise<{ groups: number[]; guard: number }> => {
    const { value } = await reports.next();
    const parsed = JSON.parse(String(value));
    started.push(...parsed.groups, parsed.guard);
    return parsed;
  };
  return { host, report };
}

/** Resolves when no process of the groups runs; those that only wait for their new parent to take note do not. */
const gone = (pgids: readonly number[]) =>
  eventually(() => expect(pgids.flatMap((pgid) => groupMembers(pgid))).toEqual([]), { interval: 10 });

test('twenty groups are gone when the process that held the guard is killed', async () => {
  const { host, report } = startHost(20);
  const { groups, guard } = await report();
  expect(groups.filter((pgid) => killGroup(pgid, 0))).toHaveLength(20);
  host.kill('SIGKILL');
  await gone([...groups, guard]);
});

/** SIGHUP, SIGINT and SIGTERM, as the kernel writes sets of signals. */
const TRAPPED = 0x4003n;

/** Resolves once a process ignores these: the shell of a guard may still be starting when its host goes on. */
const deaf = (pid: number) =>
  eventually(() => {
    const [, ignored = '0'] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    expect(BigInt(`0x${ignored}`) & TRAPPED).toBe(TRAPPED);
  });

test('a guard outlives what is sent to the group of its host', async () => {
  const { host, report } = startHost(3);
  const { groups, guard } = await report();
  if (process.platform === 'linux') await deaf(guard);
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) process.kill(guard, signal);
  if (host.pid !== undefined) killGroup(host.pid, 'SIGTERM');
  await gone([...groups, guard]);
});

test('a guard that is killed is replaced, and the new one holds every group', async () => {
  const { host, report } = startHost(5);
  const first = await report();
  process.kill(first.guard, 'SIGKILL');
  const second = await report();
  expect(second.guard).not.toBe(first.guard);
  host.kill('SIGKILL');
  await gone([...second.groups, second.guard]);
});

test('a group that was let go is spared, also when it had been added twice', async () => {
  const guard = startGuard();
  const [kept, freed] = [group(), group()];
  for (const pgid of [kept, freed, freed]) await guard.add(pgid);
  guard.remove(freed);
  await guard.close();
  await gone([kept]);
  expect(killGroup(freed, 0)).toBe(true);
});

test('a guard that somebody has stopped does not hold up the end, and what it held is ended', async () => {
  const guard = startGuard({ endWithinMs: 50 });
  const mine = group();
  await guard.add(mine);
  process.kill(guard.pid as number, 'SIGSTOP');
  await guard.close();
  await gone([mine]);
});

test.runIf(existsSync('/proc/self/fd'))('a guard whose pipe breaks ends nothing that is started after it', async () => {
  const children: ChildProcess[] = [];
  const note = (message: unknown): void => void children.push((message as { process: ChildProcess }).process);
  subscribe('child_process', note);
  const guard = startGuard({ supervisor: '0123456789ab' });
  await guard.add(group());
  unsubscribe('child_process', note);
  const first = children.find(({ pid }) => pid === guard.pid) as ChildProcess;
  first.stdin?.destroy(new Error('EIO'));
  const env = { PATH: process.env['PATH'], GREENROOM_SPAWN: '0123456789ab.2' };
  const marked = spawn('sleep', ['300'], { detached: true, stdio: 'ignore', env });
  started.push(marked.pid as number);
  await once(first, 'exit');
  expect(groupMembers(marked.pid as number)).toEqual([marked.pid]);
  await guard.close();
});

test('a guard holds hundreds of groups', async () => {
  const guard = startGuard();
  // Numbers above the largest pid, so that they are nobody's.
  const nobodys = Array.from({ length: 500 }, (_, index) => 5_000_000 + index);
  const mine = group();
  await Promise.all([...nobodys, mine].map((pgid) => guard.add(pgid)));
  for (const pgid of nobodys) guard.remove(pgid);
  await guard.close();
  await gone([mine]);
});

test('no process is started before there is something to guard', async () => {
  const guard = startGuard();
  expect([guard.alive, guard.pid]).toEqual([false, undefined]);
  await guard.close();
});

test.each([0, 1, -5, 2.5, Number.NaN, process.pid])('%s is refused as a group', async (pgid) => {
  const guard = startGuard();
  await expect(guard.add(pgid)).rejects.toThrow(RangeError);
  expect(guard.alive).toBe(false);
  await guard.close();
});

test('without a shell groups are taken in but not guarded, and the tier says so', async () => {
  const guard = startGuard({ shell: '/nowhere/sh' });
  await guard.add(group());
  expect(guard.alive).toBe(false);
  await guard.close();
  expect(orphanProtection({ shell: '/nowhere/sh' }).tier).toBe('lifeline');
  expect(orphanProtection({ root: '/nowhere/' }).tier).toBe('group');
});

test.runIf(existsSync('/proc/self/fd'))('a guard is a session of its own and holds no pipe of a worker', async () => {
  const guard = startGuard();
  const mine = group();
  await guard.add(mine);
  expect(groupMembers(guard.pid ?? 0)).toEqual([guard.pid]);
  const open = readdirSync(`/proc/${guard.pid}/fd`).map((fd) => readlinkSync(`/proc/${guard.pid}/fd/${fd}`));
  expect(open.slice(0, 3)).toEqual([expect.stringMatching(/^socket:/), '/dev/null', '/dev/null']);
  // Node's pipes to children are sockets; what this process has itself inherited is not ours to close.
  expect(open.filter((target) => target.startsWith('socket:'))).toHaveLength(1);
  guard.remove(mine);
  const pid = guard.pid ?? 0;
  await guard.close();
  expect(groupMembers(pid)).toEqual([]);
});

test('a shell that ends at once is tried again and again without spinning or throwing', async () => {
  const guard = startGuard({ shell: '/bin/false' });
  const ended = new Promise<void>((resolve) => guard.onExit(resolve));
  await guard.add(group());
  await ended;
  await guard.close();
});
