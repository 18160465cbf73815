import type { ErrorDetails } from './error-details.ts';

/**
 * Every error that leaves the runtime is a {@link GreenroomError} with one of these codes. The table in
 * `docs/errors.md` is kept equal to this one by a test.
 */
export const ERROR_CODES = {
  E_UNKNOWN_PLUGIN: 'No manifest in force has this name.',
  E_MANIFEST: 'A manifest cannot be read, is not valid, or names a module or interpreter that is not there.',
  E_OPTIONS: 'An option given to the supervisor, to a call or in a settings file is not valid.',
  E_CONFIG: 'A plugin config does not fit the schema of the plugin.',
  E_INPUT: "The input of a call does not fit the tool's schema, or the plugin has no such tool.",
  E_DISABLED: 'The plugin is disabled.',
  E_NOT_LOADED: 'The plugin is not loaded, and what was asked needs a loaded one.',
  E_START: 'The worker could not be started, or ended before it was ready.',
  E_START_TIMEOUT: 'The worker was not ready within its start timeout.',
  E_HANDSHAKE: 'The worker answered the handshake, the first health check or the first `hello` wrongly.',
  E_CRASHED: 'The worker ended while it was needed, or the connection to it failed.',
  E_HUNG: 'The worker stopped answering and was ended.',
  E_MEMORY: 'The worker used more memory than its manifest allows and was replaced or given up.',
  E_GIVEN_UP: 'The worker crashed too often and is not restarted any more.',
  E_REFUSED: 'The scheduler refused the plugin the memory or slot that it needs.',
  E_QUEUE_FULL: 'Too many calls wait for the plugin already.',
  E_TIMEOUT: 'The call did not end within its timeout, or its stream was left unread for too long.',
  E_CANCELLED: 'The caller cancelled the call.',
  E_REMOTE: "The plugin's own code raised an error.",
  E_UNSUPPORTED: 'The worker does not support what was asked.',
  E_SERIALIZE: 'A value cannot be sent or read without being changed, or is too long.',
  E_PROTOCOL: 'The worker sent something that the protocol does not allow.',
  E_STOPPING: 'The plugin or the supervisor is being stopped.',
  E_DATA_DIR: 'The data, log or socket directory cannot be used.',
  E_JOB: 'A job is unknown, is in a state in which that cannot be done, or cannot be added as asked.',
  E_INTERRUPTED: 'The program that ran a job ended before the job did.',
  E_JOB_STORE: 'The store of jobs cannot be opened, read or written.',
  E_DAEMON: 'No daemon answers, or it refuses the request or has another interface.',
} as const;

/** One of the codes of {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** How a plugin classified its own error; `fatal` where it said nothing. */
export type RemoteErrorCategory = 'input' | 'transient' | 'resource' | 'fatal';

/** An error raised by a plugin's own code, as its worker reported it. */
export interface RemoteError {
  /** The error's class in the plugin's language, for example `ValueError`. */
  readonly type: string;
  readonly message: string;
  readonly category: RemoteErrorCategory;
  /** Whether the plugin says that the same call may work later. */
  readonly retryable: boolean;
  /** Whatever else the plugin attached, as plain data: as of JSON, with large integers as bigints, and bytes. */
  readonly details?: unknown;
  /** The traceback or stack in the plugin's language. */
  readonly stack?: string | undefined;
}

/** The plugin's own error in an error with this code: always in `E_REMOTE`, sometimes where a worker refused a value. */
type RemoteOf<Code extends ErrorCode> = Code extends 'E_REMOTE'
  ? RemoteError
  : Code extends 'E_SERIALIZE' | 'E_INPUT' | 'E_CONFIG'
    ? RemoteError | undefined
    : undefined;

/** An error of the runtime with this code; see {@link GreenroomError}. */
export interface GreenroomErrorOf<Code extends ErrorCode> extends Error {
  readonly name: 'GreenroomError';
  readonly code: Code;
  /** The plugin that it is about. */
  readonly plugin: string | undefined;
  /** The plugin's own error. */
  readonly remote: RemoteOf<Code>;
  /** What a program may want to know of it. */
  readonly details: ErrorDetails<Code>;
}

/** What {@link GreenroomError} takes beside its code and message. */
export type GreenroomErrorOptions<Code extends ErrorCode = ErrorCode> = {
  readonly plugin?: string | undefined;
  readonly cause?: unknown;
} & OptionalWhereUndefined<'remote', RemoteOf<Code>> &
  OptionalWhereUndefined<'details', ErrorDetails<Code>>;

type OptionalWhereUndefined<Name extends string, Value> = undefined extends Value
  ? { readonly [Key in Name]?: Value }
  : { readonly [Key in Name]: Value };

/** A code that may be one of several makes an error that may be. */
type Made<Code extends ErrorCode> = Code extends ErrorCode ? GreenroomErrorOf<Code> : never;

/** The class of {@link GreenroomError}. Its instances are told apart by their codes. */
interface GreenroomErrorClass {
  new <Code extends ErrorCode>(
    code: Code,
    message: string,
    ...options: Partial<GreenroomErrorOptions<Code>> extends GreenroomErrorOptions<Code>
      ? [options?: GreenroomErrorOptions<Code>]
      : [options: GreenroomErrorOptions<Code>]
  ): Made<Code>;
  readonly prototype: GreenroomError;
  /** Every class has it; typed, so that what is no instance is known not to be one. */
  [Symbol.hasInstance](value: unknown): value is GreenroomError;
}

/**
 * The one error class of the runtime. `code` says what kind of failure it is, `plugin` whose, `cause` what lay under
 * it, `details` what a program may want to know (for a failed start `{ exitCode, signal, output }`), and `remote` the
 * plugin's own error where there is one. The message names the plugin and the next step.
 *
 * As a type it is one of {@link GreenroomErrorOf}, so that a check of `code` says what `remote` and `details` are.
 */
export type GreenroomError = Made<ErrorCode>;

/** The class: `error instanceof GreenroomError`. */
export const GreenroomError = class GreenroomError extends Error {
  override readonly name = 'GreenroomError';
  readonly code: ErrorCode;
  readonly plugin: string | undefined;
  readonly remote: RemoteError | undefined;
  readonly details: unknown;

  constructor(code: ErrorCode, message: string, options: Partial<GreenroomErrorOptions> = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.plugin = options.plugin;
    this.remote = options.remote;
    this.details = options.details;
  }
} as unknown as GreenroomErrorClass;

/** The message of whatever was thrown; anything may be thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
