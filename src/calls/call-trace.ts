import { channel, tracingChannel } from 'node:diagnostics_channel';
import type { GreenroomError } from '../errors.ts';

/** The tracing channel of `node:diagnostics_channel` that tells of calls. */
export const CALL_CHANNEL = 'greenroom:call';

/** The channel beside it that tells when a call waits and when a worker runs it. */
export const CALL_PHASE_CHANNEL = `tracing:${CALL_CHANNEL}:phase`;

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
  /**
   * `fetch` and `forward` are requests to a plugin that is an HTTP server: of the program, and of a client whose request it
   * forwards. `request` is one of a client of MCP that is passed through to a server of MCP, and calls no tool.
   */
  readonly kind: 'execute' | 'stream' | 'fetch' | 'forward' | 'request';
  /** The tool that is called; `execute` where the call names none, and the kind or method where it is a request. */
  readonly tool: string;
  /** Who calls, where that is a client of MCP: the name and version that it gave; or a job: `job` and its identifier. */
  readonly client?: string | undefined;
  /** `waiting` for a worker, or `running` at one; changes with each event `phase`, and is undefined before the first. */
  phase?: 'waiting' | 'running';
  /** Which of the plugin's workers runs it, as in the plugin's snapshot; undefined while none does. */
  generation?: number | undefined;
  /**
   * The W3C `traceparent` that the worker is given with the call: the one of the call's options. A subscriber to `start`
   * may put that of its own span in its place. Undefined for a request, whose headers are its own.
   */
  traceparent: string | undefined;
  /** Why it failed, once it has. */
  error?: GreenroomError;
}

const { start, error, asyncEnd } = tracingChannel<unknown, CallTrace>(CALL_CHANNEL);
const phases = channel(CALL_PHASE_CHANNEL);

/** A call begins: publishes `start`. Returns what is to be told of its end; nothing while nobody subscribes. */
export function startTrace(
  supervisor: object,
  plugin: string,
  call: string,
  kind: CallTrace['kind'],
  tool: string,
  traceparent: string | undefined,
  client?: string,
): CallTrace | undefined {
  const isHeard = start.hasSubscribers || asyncEnd.hasSubscribers || error.hasSubscribers || phases.hasSubscribers;
  if (!isHeard) return undefined;
  const trace: CallTrace = { supervisor, plugin, call, kind, tool, client, traceparent };
  start.publish(trace);
  return trace;
}

/** The call waits, or runs at the worker of this generation: publishes `phase`. */
export function tracePhase(trace: CallTrace, generation: number | undefined): void {
  trace.phase = generation === undefined ? 'waiting' : 'running';
  trace.generation = generation;
  phases.publish(trace);
}

/** The call ends: publishes `error` where it failed, and `asyncEnd`. */
export function endTrace(trace: CallTrace, failure?: GreenroomError): void {
  if (failure !== undefined) {
    trace.error = failure;
    error.publish(trace);
  }
  asyncEnd.publish(trace);
}
