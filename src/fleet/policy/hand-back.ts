import type { Prospect } from '../../scheduler/prospect.ts';

/** How long a job that was claimed may wait for memory that the scheduler does not grant, in milliseconds. */
export const HAND_BACK_AFTER_MS = 1_000;

/**
 * Whether jobs that have not begun go back to their places: their plugin was to be granted memory, and is not, as
 * something else came first. Another node may have what they need.
 *
 * @param waitsMs for how long the plugin has asked for memory, in milliseconds; undefined: it does not
 */
export function handsBack(prospect: Prospect, waitsMs: number | undefined): boolean {
  if (waitsMs === undefined || waitsMs < HAND_BACK_AFTER_MS) return false;
  return prospect.outcome === 'wait' || prospect.outcome === 'never';
}
