import { checkOptions, FLAG, type OptionKind, SIGNAL } from '../argument-checks.ts';
import type { Integers } from '../json/read-json.ts';
import type { ClientSession } from '../mcp/front-plugin.ts';
import { ANY_NAME_RULE, isToolName } from '../tools/tool-name.ts';
import { isTraceparent, TRACEPARENT_RULE } from './traceparent.ts';

/** How far a call has come, as its plugin reports it. */
export interface Progress {
  /** 0 to 1, or -1 where the plugin does not know. */
  readonly progress: number;
  readonly message: string | undefined;
  /** All that a server of MCP said of it, such as `total`; of other plugins undefined. */
  readonly params?: Readonly<Record<string, unknown>> | undefined;
}

/** What a caller may set for one call. */
export interface CallOptions {
  /** Cancels the call. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for waiting, loading and running together; `Infinity`, the default, for no limit. */
  readonly timeoutMs?: number | undefined;
  /** Higher goes first among the waiting calls; 0 by default. */
  readonly priority?: number | undefined;
  /** Called in order, the last time before the result. What it throws or rejects with is logged and changes nothing. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /**
   * Whether the call may be sent again, at most twice, if its worker dies under it. The word of the tool, else of the
   * manifest, by default.
   */
  readonly idempotent?: boolean | undefined;
  /** The name of the tool that is called; by default the plugin's `execute`. Unknown: `E_INPUT`. */
  readonly tool?: string | undefined;
  /**
   * Whether the input is checked against the tool's `input_schema`, where that is known, and completed with its defaults;
   * true by default. `both`: a result that does not fit the `output_schema` fails the call with `E_REMOTE` too.
   */
  readonly validate?: boolean | 'both' | undefined;
  /**
   * How integers beyond ±(2^53 − 1) in results, chunks and errors are read: `bigint`, exactly, or `number`, rounded to
   * the nearest number. The supervisor's `integers` by default, which is `bigint` unless it is set.
   */
  readonly integers?: Integers | undefined;
  /**
   * The W3C `traceparent` of the caller's span: the worker is given it with the call, and the call's own span, where
   * calls are traced, is part of that trace. By default the active span, where calls are traced.
   */
  readonly traceparent?: string | undefined;
  /**
   * Whether the call may run in another program of the fleet whose jobs this one has opened; false by default. It goes
   * through the queue of the fleet then, and carries no `integers`, `traceparent`, `streamIdleMs` or `validate: 'both'`.
   */
  readonly fleet?: boolean | undefined;
}

/** What Greenroom's own fronts may set beside. */
export interface InternalCallOptions extends CallOptions {
  /** The parameters of a `tools/call` that is passed through to a server of MCP as it is. */
  readonly mcpParams?: Readonly<Record<string, unknown>> | undefined;
  /** Who calls, as people are shown it. */
  readonly client?: string | undefined;
  /** Called each time that the call reaches a worker, with the worker's generation. Must not throw. */
  readonly onStart?: ((generation: number) => void) | undefined;
  /** The client of MCP that calls, where it has a session. */
  readonly session?: ClientSession | undefined;
}

/** What a caller may set for one stream. */
export interface StreamOptions extends CallOptions {
  /**
   * How many milliseconds the reader may ask for nothing while items wait, before the call is cancelled; `Infinity` for no
   * limit. The supervisor's `streamIdleMs` by default.
   */
  readonly streamIdleMs?: number | undefined;
}

const LIMIT: OptionKind = {
  expected: 'a number of milliseconds above 0, or Infinity for no limit',
  fits: (value) => typeof value === 'number' && value > 0,
};

const KINDS: Readonly<Record<keyof StreamOptions, OptionKind>> = {
  signal: SIGNAL,
  timeoutMs: LIMIT,
  priority: { expected: 'a finite number', fits: Number.isFinite },
  onProgress: { expected: 'a function', fits: (value) => typeof value === 'function' },
  idempotent: FLAG,
  tool: { expected: `the name of a tool, ${ANY_NAME_RULE}`, fits: isToolName },
  validate: { expected: 'true, false or "both"', fits: (value) => typeof value === 'boolean' || value === 'both' },
  integers: { expected: '"bigint" or "number"', fits: (value) => value === 'bigint' || value === 'number' },
  traceparent: { expected: TRACEPARENT_RULE, fits: isTraceparent },
  fleet: FLAG,
  streamIdleMs: LIMIT,
};

/** Throws `E_OPTIONS` for what cannot be the options of a call or a stream, or has one that is unknown. */
export function checkCallOptions(plugin: string, options: unknown): void {
  if (isPlainAndEmpty(options)) return;
  checkOptions(`a call to "${plugin}"`, options, KINDS, plugin);
}

/** Most calls have none, and are not to pay for those of others. */
function isPlainAndEmpty(options: unknown): boolean {
  if (typeof options !== 'object' || options === null || Object.getPrototypeOf(options) !== Object.prototype)
    return false;
  for (const _ in options) return false;
  return true;
}
