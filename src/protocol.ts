/**
 * The worker protocol as types: what a host and a worker say to each other. The text for people is
 * `docs/worker-protocol.md`; the frames of version 2 are in `src/framing`. Imports nothing: the Node SDK shares this file and may import nothing but `node:` modules.
 */

/** The versions of the protocol. */
export const PROTOCOL_VERSIONS = [1, 2] as const;

/** One of them. */
export type ProtocolVersion = (typeof PROTOCOL_VERSIONS)[number];

/** The one line of JSON that the host writes to the worker's standard input. */
export interface Boot {
  /** Protocol versions the host offers. */
  readonly protocol: readonly number[];
  /** Identifies this spawn; the handshake and `/health` repeat it. */
  readonly nonce: string;
  /** The bearer token of every request. */
  readonly token: string;
  /** Where to listen: Unix socket paths, or any free ports of a loopback address. */
  readonly listen:
    | { readonly unix: string; readonly control: string; readonly frames: string }
    | { readonly tcp: string };
  readonly plugin: BootPlugin;
  /** How many calls the host may have running at once; workers that can only do fewer say so in the handshake. */
  readonly concurrency: number;
}

/** What the worker is to load. */
export interface BootPlugin {
  readonly name: string;
  /** The folder of the manifest; for Python it is put on the module path. */
  readonly folder: string;
  /** A dotted Python module, or the absolute path of a module file. Absent for `command` workers. */
  readonly module?: string;
  /** The Python class to construct. */
  readonly class?: string;
}

/** What a worker can do beyond `execute`. */
export type Capability = 'stream' | 'cancel' | 'progress' | 'release' | 'cleanup' | 'settle' | 'tools' | 'code';

/** The one line of JSON with the key `greenroom` that a worker prints on standard output once it listens. */
export interface Handshake {
  /** The protocol version that the worker chose. */
  readonly greenroom: number;
  readonly nonce: string;
  readonly pid: number;
  /** `unix:/path` or `tcp:127.0.0.1:port`. */
  readonly address: string;
  /** The address for `/health` and `/cancel`; may equal `address`. */
  readonly control: string;
  /** The address for frames, in the same form; of version 2 only. */
  readonly frames?: string | undefined;
  /** Name and version of the SDK, for example `python/0.1.0`. */
  readonly sdk: string;
  readonly capabilities: readonly Capability[];
  /** How many calls the worker runs at once. */
  readonly concurrency: number;
}

/** The answer to `GET /health`. */
export interface Health {
  readonly status: 'ok';
  readonly pid: number;
  readonly nonce: string;
  readonly name?: string;
  readonly version?: string;
}

/** A named callable of a plugin, as its worker, its manifest and the supervisor describe it. */
export interface Tool {
  readonly name: string;
  readonly description?: string;
  /** The JSON Schema of its named arguments, an object schema; absent: anything is taken. */
  readonly input_schema?: Readonly<Record<string, unknown>>;
  /** The JSON Schema of its result, or of each chunk where it streams. */
  readonly output_schema?: Readonly<Record<string, unknown>>;
  /** Whether it answers with a stream of chunks. */
  readonly streams?: boolean;
  /** It changes nothing. */
  readonly read_only?: boolean;
  /** Calling it again with the same input changes nothing more. */
  readonly idempotent?: boolean;
  /** It may remove or overwrite what cannot be brought back. */
  readonly destructive?: boolean;
  /** The tool as its worker describes it, where that is a server of MCP. */
  readonly definition?: Readonly<Record<string, unknown>>;
}

/** The answer to `GET /tools`, of workers with the capability `tools`. */
export interface ToolList {
  readonly tools: readonly Tool[];
}

/** The answer to `GET /code`, of workers with the capability `code`. */
export interface LoadedCode {
  /** The absolute paths of the files whose code the worker has loaded so far, without those of installed packages. */
  readonly files: readonly string[];
}

/** The `type` of the error by which a worker says that it has no such tool. Its category is `input`. */
export const UNKNOWN_TOOL = 'UnknownTool';

/** The body of `POST /execute` and `POST /execute_stream`. */
export interface CallBody {
  readonly call: string;
  /** Which tool is called; absent: the plugin's `execute`. Sent only to workers with the capability `tools`. */
  readonly tool?: string;
  /** The W3C `traceparent` of the call, where its caller or a tracer of the host has one. */
  readonly traceparent?: string | undefined;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
}

/**
 * The header in which a worker repeats the `call` of the request that it answers, so that no call is ever given the
 * answer of another. Optional: what leaves it out is trusted to answer in order.
 */
export const CALL_HEADER = 'greenroom-call';

/** What happened to a `POST /cancel`. */
export type CancelOutcome = 'requested' | 'unsupported' | 'unknown';

/** The shape of an error on the wire. */
export interface WireError {
  readonly type: string;
  readonly message: string;
  readonly category?: string;
  readonly retryable?: boolean;
  readonly details?: unknown;
  readonly stack?: string;
}

/** One line of an NDJSON answer. Exactly one of `result`, `end` and `error` comes, and last. */
export type Frame =
  | { readonly progress: number; readonly message?: string }
  | { readonly chunk: unknown }
  | { readonly result: unknown }
  | { readonly end: true }
  | { readonly error: WireError };

/** The longest Unix socket path, in bytes: `sun_path` holds 104 on macOS with its final NUL; longer ones are silently cut. */
export const MAX_SOCKET_PATH_BYTES = 103;

/** The exit status by which a worker asks not to be restarted. */
export const EXIT_DO_NOT_RESTART = 125;
