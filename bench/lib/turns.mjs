// @ts-check
import { setImmediate as turnOfLoop } from 'node:timers/promises';

/**
 * How long the longest turn of the event loop takes while something is done, in milliseconds: the processor time of this
 * thread where Node tells that (22.19, 23.9), as beside other programs the time on the wall tells of them; elsewhere that.
 *
 * @param {() => Promise<unknown>} work
 */
export async function longestTurnOf(work) {
  let longest = 0;
  let last = usedMs();
  let isOver = false;
  const turn = () => {
    const now = usedMs();
    longest = Math.max(longest, now - last);
    last = now;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  // The last turn counts too.
  await turnOfLoop();
  isOver = true;
  return longest;
}

function usedMs() {
  const { threadCpuUsage } = /** @type {{ threadCpuUsage?: typeof process.cpuUsage }} */ (process);
  if (threadCpuUsage === undefined) return performance.now();
  const { user, system } = threadCpuUsage.call(process);
  return (user + system) / 1_000;
}
