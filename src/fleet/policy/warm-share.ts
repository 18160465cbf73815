/** For how long the jobs that wait at the workers of a node keep them at work, in milliseconds. */
const AHEAD_MS = 50;

/** The most jobs that wait at the workers of a plugin. */
const MOST_AHEAD = 64;

/** A plugin that has a worker on this node. */
export interface WarmPlugin {
  /** How many calls its workers take at once. */
  readonly places: number;
  /** How many calls run or wait at them, those of jobs too. */
  readonly calls: number;
  /** How many of its jobs this node has. */
  readonly inHand: number;
  /** How long its last jobs took, in milliseconds; undefined: none has ended. */
  readonly jobMs: number | undefined;
}

/**
 * How many more jobs a node takes of a plugin that has a worker there: as many as there are free places, and some that
 * wait, but only as many as run within moments, as another node may be free before.
 */
export function warmShare({ places, calls, inHand, jobMs }: WarmPlugin): number {
  const ahead = jobMs === undefined ? 0 : Math.min(Math.floor((AHEAD_MS * places) / Math.max(jobMs, 0.01)), MOST_AHEAD);
  // Calls that are no jobs have places too.
  const direct = Math.max(0, calls - inHand);
  return Math.max(0, places - direct + ahead - inHand);
}
