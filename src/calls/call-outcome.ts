import type { GreenroomError } from '../errors.ts';

/** Where a call's outcome goes; exactly one of `onResult` and `onError` is called. */
export interface CallOutcome {
  onChunk(chunk: unknown, length: number): void;
  onResult(result: unknown): void;
  onError(error: GreenroomError): void;
  /** Since when nobody has read what came, by the monotonic clock; `undefined`: it is read, or is no stream. */
  idleSince?(): number | undefined;
}
