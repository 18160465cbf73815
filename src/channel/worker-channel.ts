import type { GreenroomError } from '../errors.ts';
import type { Integers } from '../json/read-json.ts';
import type { ClientSession } from '../mcp/front-plugin.ts';
import type { JsonObject } from '../mcp/json-rpc.ts';
import type { McpServer } from '../mcp/server.ts';
import type { CancelOutcome, Health, Tool } from '../protocol.ts';
import type { Upstream } from '../proxy/upstream.ts';
import type { EncodedInput } from './encoded-input.ts';

/**
 * Where one call's answers go. The channel calls `onResult` or `onError` exactly once, and nothing after it. A sink
 * must not throw.
 */
export interface CallSink {
  /** `progress` is 0 to 1, or -1 where the plugin does not know; `params` is how a server of MCP said it. */
  onProgress(progress: number, message: string | undefined, params?: JsonObject): void;
  /**
   * One item of a stream; never called for `execute`. `length` is that of the text it came in, in UTF-16 code units, and
   * of its bytes.
   */
  onChunk(chunk: unknown, length: number): void;
  /** The result of a call; `undefined` at the end of a stream. The worker is done with the call. */
  onResult(result: unknown): void;
  /** `E_REMOTE`, `E_PROTOCOL`, `E_SERIALIZE` or, when the connection broke, `E_CRASHED`. */
  onError(error: GreenroomError): void;
}

/** A call that has been written to the worker. */
export interface CallInFlight {
  /** Stops reading, so that a slow reader slows the worker down. */
  pause(): void;
  resume(): void;
}

/** A call as it is handed to a channel. */
export interface OutgoingCall {
  /** Its identifier. */
  readonly id: string;
  readonly input: EncodedInput;
  /** The tool that it calls, where it names one. Only a channel with `tools` is given one. */
  readonly tool?: string | undefined;
  /** How integers of its answer that a number cannot hold are read. */
  readonly integers: Integers;
  /** The W3C `traceparent` that the worker is given. */
  readonly traceparent?: string | undefined;
  /**
   * The parameters of a `tools/call` that is passed through to a server of MCP as it is, in place of tool and input; its
   * result too is handed on as it comes.
   */
  readonly mcpParams?: JsonObject | undefined;
  /** Whether a server of MCP runs its tool as a task alone. */
  readonly asTask?: boolean | undefined;
  /** The client of MCP that it is for, where that has a session. */
  readonly session?: ClientSession | undefined;
}

/** Writes a call for its wire and sends it. */
export type SendCall = (call: OutgoingCall, sink: CallSink) => CallInFlight;

/** The config of the plugin at a worker. */
export interface ConfigChannel {
  /** Gives the plugin its config, at the start and again to change it. */
  initialize(config: unknown, signal: AbortSignal): Promise<void>;
  /** The plugin's current config. */
  get(signal: AbortSignal): Promise<unknown>;
  /** The JSON Schema of the plugin's config, or null where it has none. */
  schema(signal: AbortSignal): Promise<unknown>;
}

/**
 * The port to one worker: what every worker can do, and, where it is there, what some can. Adapters: `framed-channel.ts`,
 * `undici-channel.ts`, `http-channel.ts` for HTTP servers, `mcp-channel.ts` for servers of MCP and, for older workers,
 * `cjm-channel.ts`.
 */
export interface WorkerChannel {
  readonly execute: SendCall;
  /** Breaks every connection; calls in flight end with `E_CRASHED`. Idempotent. */
  close(): void;
  /** Sends a streaming call. Without it, streams are refused with `E_UNSUPPORTED`. */
  readonly stream?: SendCall | undefined;
  /**
   * Asks the worker to stop a call; rejects with a GreenroomError when it cannot be asked. Without it, a cancelled call
   * goes on until it ends, or until the worker is killed for it.
   */
  cancel?(call: string): Promise<CancelOutcome>;
  /** Whether a worker may be stuck until {@link cancel} has resolved, and is to be sent no other call meanwhile. */
  readonly isDoubtfulWhileCancelling?: true | undefined;
  /**
   * Answered in milliseconds by a worker that is alive, whatever it is doing. The caller sets the deadline. Without it,
   * a worker is taken to be alive until its process has ended.
   */
  health?(signal: AbortSignal): Promise<Health>;
  /** Without it, the plugin takes no config. */
  readonly config?: ConfigChannel;
  /** The tools of the plugin, as its worker says. Without it, the plugin has only the one that every plugin has. */
  readonly tools?: ((signal: AbortSignal) => Promise<readonly Tool[]>) | undefined;
  /** The absolute paths of the files whose code the worker has loaded. Without it, that is not known. */
  readonly code?: ((signal: AbortSignal) => Promise<readonly string[]>) | undefined;
  /** Calls back whenever the tools may have changed. */
  onToolsChanged?(listener: () => void): void;
  /** Asks the plugin to give up its heavy resources; false, as without it, where it has no release. */
  release?(signal: AbortSignal): Promise<boolean>;
  /** Tells the plugin that it is about to be stopped, if it has a cleanup or calls that are still ending. */
  cleanup?(signal: AbortSignal): Promise<void>;
  /** Where requests are forwarded to, of a worker that is an HTTP server. */
  readonly upstream?: Upstream | undefined;
  /** The server of MCP that the worker is. */
  readonly mcp?: McpServer | undefined;
}

/** A connection to a worker that has shown who it is. */
export interface Connection {
  readonly channel: WorkerChannel;
  /** How many calls it takes at once. */
  readonly concurrency: number;
}
