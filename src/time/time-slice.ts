import { setImmediate as turn } from 'node:timers/promises';

/** How long work may hold the event loop at a time, in milliseconds; its last step, or a collection, may come on top. */
const SLICE_MS = 2;

/** What is awaited between two steps of long work: a promise where it is time for the event loop to turn, else undefined. */
export type Pause = () => Promise<void> | undefined;

/**
 * Cuts long work into slices. What is returned is awaited between two steps of it: where the slice is used up it resolves
 * in a later turn, so that calls are carried meanwhile; else it is undefined.
 *
 * @param ms how long the work may hold the event loop at a time, in milliseconds
 */
export function createTimeSlice(ms = SLICE_MS): Pause {
  let end = performance.now() + ms;
  return () => {
    if (performance.now() < end) return undefined;
    return turn().then(() => {
      end = performance.now() + ms;
    });
  };
}
