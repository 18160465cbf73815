import type { Progress } from '../../calls/call-options.ts';
import type { Caller } from '../job-store.ts';

/** The way back from a call that runs here to the program that waits for it. */
export interface Replies {
  /** Tells how far the call has come; what there is no room for is left out. */
  progress(job: string, caller: Caller, progress: Progress): void;
  /**
   * Sends a chunk, packed; resolves once there was room for it. Rejects with `E_CANCELLED` where the caller's program is
   * gone, with `E_SERIALIZE` for one that is too long, and with the reason of the signal.
   */
  chunk(job: string, caller: Caller, chunk: Uint8Array, signal: AbortSignal): Promise<void>;
}
