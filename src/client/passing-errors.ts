/** Errors after which the same request may well succeed, without anybody having changed it. */
const passing = new WeakSet<Error>();

/** From this status on, an error is the server's own. */
const SERVER_ERROR = 500;

/** Statuses below that by which a server asks for another try: the request came too slowly, or there were too many. */
const ANOTHER_TRY: readonly number[] = [408, 429];

/** Notes that an error will pass by itself, and returns it. */
export function passes<E extends Error>(error: E): E {
  passing.add(error);
  return error;
}

/** Whether an error will pass by itself: no daemon was there, it ended, or it has too much to do. */
export function isPassing(error: unknown): boolean {
  return passing.has(error as Error);
}

/** Whether a request that was refused with this status may well succeed later. */
export function isPassingStatus(status: number): boolean {
  return status >= SERVER_ERROR || ANOTHER_TRY.includes(status);
}
