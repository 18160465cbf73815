import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { groupMembers, killGroup, signalGroup } from '../../src/process/process-group.ts';
import { startTimeOf } from '../../src/process/process-identity.ts';
import { eventually } from '../eventually.ts';

async function shell(script: string) {
  const child = spawn('/bin/sh', ['-c', script], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.stdout.resume();
  if (child.pid === undefined) throw new Error('No shell could be started.');
  return { pgid: child.pid, exited: once(child, 'exit') };
}

test('a signal reaches every process of a group', async () => {
  const { pgid, exited } = await shell('sleep 300 & sleep 300 & echo up; wait');
  expect(groupMembers(pgid)).toHaveLength(3);
  expect(signalGroup({ pgid, startTime: startTimeOf(pgid), leaderExited: false }, 'SIGKILL')).toBe(true);
  await exited;
  await eventually(() => expect(groupMembers(pgid)).toEqual([]));
});

test('what is left of a group is reached after its leader has exited', async () => {
  const { pgid, exited } = await shell('sleep 300 & echo up');
  await exited;
  expect(signalGroup({ pgid, startTime: null, leaderExited: true }, 'SIGKILL')).toBe(true);
  await eventually(() => expect(groupMembers(pgid)).toEqual([]));
});

test('a stranger with the number of our group is spared', async () => {
  const { pgid, exited } = await shell('echo up; sleep 300');
  expect(signalGroup({ pgid, startTime: startTimeOf(pgid), leaderExited: true }, 'SIGKILL')).toBe(false);
  expect(signalGroup({ pgid, startTime: '1', leaderExited: false }, 'SIGKILL')).toBe(false);
  expect(killGroup(pgid, 0)).toBe(true);
  // A child whose exit has not been seen is ours, even where its start time could not be read.
  expect(signalGroup({ pgid, startTime: null, leaderExited: false }, 'SIGKILL')).toBe(true);
  await exited;
});

test('a start time names a process for as long as it runs', () => {
  expect(startTimeOf(process.pid)).toMatch(/^\d+$/);
  expect(startTimeOf(process.pid)).toBe(startTimeOf(process.pid));
  expect(startTimeOf(2 ** 30)).toBeNull();
});

test.each([0, 1, -1, -7, 1.5, Number.NaN])('%s is no group', (pgid) => {
  expect(() => killGroup(pgid, 0)).toThrow(RangeError);
});
