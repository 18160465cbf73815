/** For how long the jobs of a plugin that were taken keep it at work, in milliseconds, and in turns of the store. */
const AHEAD_MS = 50;
const AHEAD_TURNS = 4;

/** How many jobs are taken beyond what the workers of a plugin do at once. */
const MOST_AHEAD = 64;

/** The most jobs of one plugin that are in hand, whatever its workers take. */
export const MOST_IN_HAND = 256;

/** How many are taken beyond that while it is not known how long they take. */
const FIRST_AHEAD = 16;

/**
 * How many jobs of a plugin that have not ended are to be in hand: as many as its workers do at once, and some that wait,
 * so that it is not idle, and is not evicted, before the store gives the next.
 *
 * @param places how many calls its workers take at once; 0: it has none yet
 * @param jobMs how long its last jobs took, in milliseconds; undefined: none has ended
 * @param turnMs how long the store took to give jobs, in milliseconds
 */
export function depth(places: number, jobMs: number | undefined, turnMs: number): number {
  const atOnce = Math.max(places, 1);
  const aheadMs = Math.max(AHEAD_MS, AHEAD_TURNS * turnMs);
  const ahead = jobMs === undefined ? FIRST_AHEAD : Math.ceil((aheadMs * atOnce) / Math.max(jobMs, 0.01));
  return Math.min(atOnce + Math.min(Math.max(ahead, 1), MOST_AHEAD), MOST_IN_HAND);
}

/** The mean of times in which each new one counts a fifth, so that a change is followed within some ten. */
export function nextMean(mean: number | undefined, ms: number): number {
  return mean === undefined ? ms : mean + (ms - mean) / 5;
}
