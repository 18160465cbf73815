/**
 * The port for time. Machines, calls and actors take it so that tests can turn time by hand; it has the shape of
 * XState's clock plus the current time.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  setTimeout(fn: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  // Unreferenced: whether the program may end is decided in one place, not by whichever deadline happens to run.
  setTimeout: (fn, ms) => setTimeout(fn, ms).unref(),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};
