/** Calls are numbered within the process; a worker sees the number as the call's identifier. */
let lastCall = 0;

/** The identifier of a new call. */
export function nextCallId(): string {
  lastCall += 1;
  return lastCall.toString(36);
}
