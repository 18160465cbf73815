import { tracingChannel } from 'node:diagnostics_channel';
import type { GreenroomError } from '../errors.ts';

/** The tracing channel of `node:diagnostics_channel` that tells of calls. */
export const CALL_CHANNEL = 'greenroom:call';

/**
 * What the tracing channel `greenroom:call` says of a call: one object a call, the same in each of its events, so that
 * a subscriber can keep something by it in a `WeakMap`.
 */
export interface CallTrace {
  /** The supervisor, as `createSupervisor` returned it: all supervisors of a program share the channel. */
  readonly supervisor: object;
  readonly plugin: string;
  /** Tells calls apart within the program; the worker gets it as the call's identifier. */
  readonly call: string;
  readonly kind: 'execute' | 'stream';
  /** The tool that is called; `execute` where the call names none. */
  readonly tool: string;
  /** Why it failed, once it has. */
  error?: GreenroomError;
}

const { start, error, asyncEnd } = tracingChannel<unknown, CallTrace>(CALL_CHANNEL);

/** A call begins: publishes `start`. Returns what is to be told of its end; nothing while nobody subscribes. */
export function startTrace(
  supervisor: object,
  plugin: string,
  call: string,
  kind: CallTrace['kind'],
  tool: string,
): CallTrace | undefined {
  if (!start.hasSubscribers && !error.hasSubscribers && !asyncEnd.hasSubscribers) return undefined;
  const trace: CallTrace = { supervisor, plugin, call, kind, tool };
  start.publish(trace);
  return trace;
}

/** The call ends: publishes `error` where it failed, and `asyncEnd`. */
export function endTrace(trace: CallTrace, failure?: GreenroomError): void {
  if (failure !== undefined) {
    trace.error = failure;
    error.publish(trace);
  }
  asyncEnd.publish(trace);
}
