// What the inspector's server and its page say to each other of calls beyond the records: types only, as in wire.ts.

import type { CallPart } from '../calls/plugin-loads.ts';
import type { CallFigures, CallRecord, Json, JsonObject } from './wire.ts';

/** What `GET /api/calls` answers with: of one plugin with `?plugin=NAME`, and with `&past=1` its {@link CallsNow.past}. */
export interface CallsNow {
  readonly at: number;
  /** Whether inputs and outputs are kept. */
  readonly payloads: boolean;
  /** The calls that have begun and not ended, the oldest first; of more than 500 the oldest. */
  readonly running: readonly RunningCall[];
  readonly runningCount: number;
  /** Of one plugin: of each of its tools; of all: of each plugin. */
  readonly figures: readonly CallFigures[];
  /** The ends of calls that failed or were slow, as far as they are remembered. */
  readonly past?: readonly CallRecord[] | undefined;
}

/** A call that has begun and not ended. `GET /api/calls/CALL` answers with its {@link CallPayload} as it is now, null once it has ended. */
export interface RunningCall extends Pick<CallRecord, 'call' | 'tool' | 'client' | 'generation' | 'slow'> {
  readonly plugin: string;
  readonly since: number;
  /** What it is at, and how long it was at each part up to now, in milliseconds. */
  readonly part: CallPart;
  readonly queueMs: number;
  readonly loadMs: number;
  readonly runMs: number;
  /** From 0 to 1, as it last said, and what it said with that. */
  readonly progress?: number | undefined;
  readonly message?: string | undefined;
  /** How many chunks have come of a stream. */
  readonly chunks?: number | undefined;
}

/** The body of `POST /api/call`, as `application/json` of at most 1 MiB: calls a plugin. */
export interface PageCallRequest {
  readonly plugin: string;
  readonly tool?: string | undefined;
  readonly input?: Json | undefined;
  /** Whether its stream is read. */
  readonly stream?: boolean | undefined;
}

/**
 * One line of its answer, `application/x-ndjson`: any number of `progress` and `chunk`, then `result` or `error`. Values
 * are redacted. Closing the connection cancels the call.
 */
export type PageCallLine =
  | { readonly type: 'progress'; readonly progress: number; readonly message?: string | undefined }
  | { readonly type: 'chunk'; readonly value: Json }
  | { readonly type: 'result'; readonly value: Json; readonly tookMs: number }
  | {
      readonly type: 'error';
      readonly code: string;
      readonly message: string;
      readonly errorType?: string | undefined;
      readonly stack?: string | undefined;
      readonly tookMs: number;
    };

/** What `GET /api/tools/NAME` answers with: its tools, as far as they are known without a worker being started. */
export interface ToolsAnswer {
  readonly tools?: readonly ToolChoice[] | undefined;
}

/** A tool of a plugin. */
export interface ToolChoice {
  readonly name: string;
  readonly description?: string | undefined;
  readonly streams?: boolean | undefined;
  /** The JSON Schema of its input. */
  readonly input?: JsonObject | undefined;
}
