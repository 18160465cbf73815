/** How many instances of a plugin there may be. */
export interface InstanceBounds {
  /** How many there are to be while the plugin serves, at least 1. */
  readonly min: number;
  /** How many there may be. */
  readonly max: number;
}

/**
 * How many instances do for so many calls at once. When calls have waited for long, a plugin grows to what all of them
 * need, so that a burst waits for one start and not for one after another; it shrinks to what the most calls at once
 * lately needed. Both look at the same figure, so what one starts the other does not end soon after.
 *
 * @param calls how many calls run or wait at once
 * @param capacity how many calls one instance takes at once
 */
export function instancesFor(calls: number, capacity: number, { min, max }: InstanceBounds): number {
  return Math.min(Math.max(min, Math.ceil(calls / capacity)), max);
}
