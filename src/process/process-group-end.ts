import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { groupMembers, signalGroup } from './process-group.ts';

/** How long the end of a killed group is waited for, in milliseconds. Only what the kernel holds back lasts longer. */
const LONGEST_WAIT_MS = 2_000;

/**
 * Resolves when no process of a killed group is left, whose leader has ended. No event tells of the end of somebody
 * else's children, so it is asked for, at growing intervals; most often the first answer is the last. Processes that
 * have ended and were not taken note of by their new parent, as happens in containers, do not count.
 */
export async function groupIsGone(pgid: number): Promise<void> {
  const group = { pgid, startTime: null, leaderExited: true };
  const hasProc = existsSync('/proc/self/stat');
  let waited = 0;
  for (let pause = 1; signalGroup(group, 'SIGKILL') && waited < LONGEST_WAIT_MS; pause = Math.min(pause * 2, 100)) {
    if (hasProc && groupMembers(pgid).length === 0) return;
    await delay(pause);
    waited += pause;
  }
}
