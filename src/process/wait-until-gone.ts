import { setTimeout as delay } from 'node:timers/promises';

/** How long the end of killed processes is waited for, in milliseconds. Only what the kernel holds back lasts longer. */
const LONGEST_WAIT_MS = 2_000;

/** The longest pause between two checks, in milliseconds. */
const LONGEST_PAUSE_MS = 100;

/**
 * Waits for the end of killed processes, for up to two seconds. No event tells of the end of another process's children,
 * so `isGone` is called at growing intervals; most often its first answer is the last. It may kill again what it finds.
 */
export async function waitUntilGone(isGone: () => boolean | Promise<boolean>): Promise<void> {
  let waited = 0;
  for (let pause = 1; waited < LONGEST_WAIT_MS; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    if (await isGone()) return;
    await delay(pause);
    waited += pause;
  }
}
