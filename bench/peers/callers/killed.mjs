// @ts-check
import { once } from 'node:events';

/** Kills a process; resolves when it has ended. @param {import('node:child_process').ChildProcess} child */
export async function killed(child) {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
