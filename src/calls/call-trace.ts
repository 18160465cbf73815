import { channel, tracingChannel } from 'node:diagnostics_channel';
import type { GreenroomError } from '../errors.ts';

/** The tracing channel of `node:diagnostics_channel` that tells of calls. */
export const CALL_CHANNEL = 'greenroom:call';

/** The channel beside it that tells when a call waits and when a worker runs it. */
export const CALL_PHASE_CHANNEL = `tracing:${CALL_CHANNEL}:phase`;

/** The one that tells of each chunk of a stream. */
export const CALL_CHUNK_CHANNEL = `tracing:${CALL_CHANNEL}:chunk`;

/** An input as it is sent: the positional arguments, a list in JSON, and the named ones, an object. */
export interface CallInput {
  readonly args: string;
  readonly kwargs: string;
  /** The bytes in it, where the JSON has `null`; the paths begin with `args` or `kwargs`. */
  readonly bytes: readonly { readonly path: readonly (string | number)[]; readonly bytes: Uint8Array }[];
}

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
  /**
   * What it was given, in JSON that was written at the call: the program may change its input from then on. Set after
   * `start`; of an input with values to save to files, once they are. A request has none.
   */
  input?: CallInput | undefined;
  /** Of a `tools/call` that is passed through to a server of MCP: its parameters, in the place of `input`. */
  params?: Readonly<Record<string, unknown>> | undefined;
  /** At `asyncEnd` the result, at `chunk` the chunk: as the caller gets it, who may change it from then on. */
  output?: unknown;
  /** How many chunks of a stream have come. */
  chunks?: number;
  /** How far it is, from 0 to 1, as it last said, and what it said with that. */
  progress?: number;
  message?: string | undefined;
  /** Why it failed, once it has. */
  error?: GreenroomError;
}

const { start, error, asyncEnd } = tracingChannel<unknown, CallTrace>(CALL_CHANNEL);
const phases = channel(CALL_PHASE_CHANNEL);
const chunks = channel(CALL_CHUNK_CHANNEL);

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

/** The call says how far it is. Publishes nothing: whoever wants to know looks at the trace. */
export function traceProgress(trace: CallTrace, progress: number, message: string | undefined): void {
  trace.progress = progress;
  trace.message = message;
}

/** A chunk of the stream has come: publishes `chunk`. */
export function traceChunk(trace: CallTrace, chunk: unknown): void {
  trace.chunks = (trace.chunks ?? 0) + 1;
  if (!chunks.hasSubscribers) return;
  trace.output = chunk;
  chunks.publish(trace);
  trace.output = undefined;
}

/** The call ends: publishes `error` where it failed, and `asyncEnd`. */
export function endTrace(trace: CallTrace, failure?: GreenroomError): void {
  if (failure !== undefined) {
    trace.error = failure;
    error.publish(trace);
  }
  asyncEnd.publish(trace);
}
