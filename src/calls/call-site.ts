import type { EncodedInput, UnsavedInput } from '../channel/encoded-input.ts';
import type { Integers } from '../json/read-json.ts';
import type { Clock } from '../time/clock.ts';
import type { ResultCheck } from '../tools/result-check.ts';
import type { LeaseGate } from './lease-gate.ts';
import type { Residency } from './lease-request.ts';

/** What calls ask of their plugin's tools. */
export interface CallTools {
  /** Throws `E_INPUT` where the plugin is known to have no such tool. */
  refuseUnknown(tool: string): void;
  /** Throws `E_INPUT` where the manifest leaves the tool out. */
  refuseDenied(tool: string): void;
  /** The input as it is to be sent, completed with the defaults of the tool's schema. Throws `E_INPUT` where it does not fit. */
  checkedInput(tool: string | undefined, input: unknown): unknown;
  /** How the tool's results are checked, where they are to be: always where `isAsked`, else only the first one. */
  resultCheck(tool: string | undefined, streams: boolean, isAsked: boolean): ResultCheck | undefined;
  /** Whether calls of the tool may be sent again after a crash; undefined where nothing says so. */
  isIdempotent(tool: string | undefined): boolean | undefined;
  /** Whether a server of MCP is known to run the tool as a task alone. */
  runsAsTask(tool: string): boolean;
  /** A tool is called at this worker: has it say its tools, if it has not yet, for the calls that follow. */
  learn(residency: Residency): void;
}

/** What every call of one plugin shares. */
export interface CallSite {
  readonly plugin: string;
  readonly gate: LeaseGate;
  /** Writes an input as the plugin's kind of worker takes it. Throws `E_SERIALIZE`. */
  readonly encode: (input: unknown) => EncodedInput | UnsavedInput;
  /** Times the caller. */
  readonly clock: Clock;
  /** Times the worker. */
  readonly patience: Clock;
  readonly tools: CallTools;
  /** Whether the manifest says that calls may be sent again. */
  readonly idempotent: () => boolean;
  /** Whether the plugin may have several workers. */
  readonly hasInstances: () => boolean;
  /** How long the worker may take to give up a cancelled call, in milliseconds. */
  readonly cancelGraceMs: () => number;
  /** How long a stream may be left unread, in milliseconds, where the call does not say. */
  readonly streamIdleMs: number;
  /** How integers that a number cannot hold are read, where the call does not say. */
  readonly integers: Integers;
  /** Writes a warning to the supervisor's log. */
  readonly warn: (details: Readonly<Record<string, unknown>>, message: string) => void;
  /** Told what a listener of the user's threw, or what its promise was rejected with. */
  readonly onListenerError: (error: unknown) => void;
  /** The supervisor, as the traces of calls name it. */
  readonly supervisor: object;
  /** The calls that are being saved to files, and so are not at the gate yet. */
  readonly saving: Set<{ readonly id: string; cancel(reason: unknown): void }>;
}
