import type { Problem } from './json-schema/problems.ts';
import type { SchedulerRefusal } from './scheduler/decision.ts';
import type { GiveUpCause } from './supervision/restart-plan.ts';

/** How a worker's process ended. */
export interface WorkerEnding {
  /** The exit status; `null` when a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** The last lines it printed. */
  readonly output: string;
  /** Whether it ended for want of memory. */
  readonly outOfMemory: boolean;
}

/** What does not fit an input's schema. */
interface InputProblems {
  /** At most 20. */
  readonly problems: readonly Problem[];
  readonly tool?: undefined;
  readonly tools?: undefined;
  readonly nearest?: undefined;
}

/** The tool that a plugin does not have. */
interface MissingTool {
  readonly tool: string;
  /** Those that it has; absent where its worker refused the call. */
  readonly tools?: readonly string[];
  /** The one that was probably meant. */
  readonly nearest?: string | undefined;
  readonly problems?: undefined;
}

/**
 * The `details` of an error, by its code; a code that is not here has none. `undefined` beside a shape: not every
 * error of that code has it.
 */
interface KnownDetails {
  E_UNKNOWN_PLUGIN: { /** The name that was probably meant. */ readonly nearest: string | undefined } | undefined;
  E_OPTIONS: { /** Each setting that is not valid, in words. */ readonly problems: readonly string[] } | undefined;
  E_CONFIG: { /** Each place that does not fit, in words. */ readonly problems: readonly string[] } | undefined;
  E_INPUT: InputProblems | MissingTool | undefined;
  E_START: WorkerEnding | undefined;
  E_START_TIMEOUT: { /** The last lines that the worker printed. */ readonly output: string };
  E_HANDSHAKE: { /** As the worker sent it. */ readonly handshake: unknown } | undefined;
  E_CRASHED: WorkerEnding | undefined;
  E_MEMORY: {
    /** What the worker used, and what its manifest allows, in MiB. */
    readonly memoryRssMb: number;
    readonly maxRssMb: number;
    /** How many workers were replaced in a row before the plugin was given up; absent where it was not. */
    readonly replaced?: number;
  };
  /** `times` are milliseconds since the epoch. */
  E_GIVEN_UP: GiveUpCause;
  /** Times in it are milliseconds since the epoch. */
  E_REFUSED: SchedulerRefusal;
  E_QUEUE_FULL: { /** How many calls wait. */ readonly waiting: number; readonly retryable: true };
  E_TIMEOUT:
    | {
        readonly option: 'streamIdleMs';
        readonly limitMs: number;
        /** For how long the stream was unread. */
        readonly idleMs: number;
      }
    | undefined;
  /** Where a result does not fit the tool's schema. */
  E_REMOTE: { /** At most 20. */ readonly problems: readonly Problem[] } | undefined;
}

/** The `details` of an error with this code. */
export type ErrorDetails<Code extends string> = Code extends keyof KnownDetails ? KnownDetails[Code] : undefined;
