import type { GreenroomError } from '../errors.ts';

/** What the gate tells its plugin's machine: edges, never single calls. */
export type GateEvent =
  /** A request waits at a closed gate, or the most urgent or most patient of the waiting ones has changed. */
  | { readonly type: 'CALL' }
  /** The last waiting request has left a closed gate. */
  | { readonly type: 'CALLERS.GONE' }
  /** The first lease is out. */
  | { readonly type: 'LEASED' }
  /** The last lease is back; others may have come and gone since the last event. */
  | { readonly type: 'IDLE' }
  /** Of several instances, one has its first lease, or its last one back. */
  | { readonly type: 'USED' }
  /** A request has waited for as long as the plugin lets it before it grows. Told again while it is so. */
  | { readonly type: 'FULL' }
  /** After that, no request waits any more. */
  | { readonly type: 'ROOM' }
  /** A generation that takes no calls any more has returned its last lease. */
  | { readonly type: 'DRAINED'; readonly generation: number }
  /** A cancelled call was not given up by the worker in time. */
  | { readonly type: 'STUCK'; readonly generation: number }
  /** The worker lives, and no connection to it can be made. */
  | { readonly type: 'UNREACHABLE'; readonly generation: number; readonly error: GreenroomError }
  /** A call failed for want of memory, and comes again when the plugin has been given more of it. */
  | { readonly type: 'STARVED'; readonly generation: number };
