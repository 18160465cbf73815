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
  E_HANDSHAKE: 'The worker answered the handshake or the first health check wrongly.',
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
  E_SERIALIZE: 'A value cannot be sent as JSON without being changed.',
  E_PROTOCOL: 'The worker sent something that the protocol does not allow.',
  E_STOPPING: 'The plugin or the supervisor is being stopped.',
  E_DATA_DIR: 'The data, log or socket directory cannot be used.',
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
  /** Whatever else the plugin attached, as plain JSON. */
  readonly details?: unknown;
  /** The traceback or stack in the plugin's language. */
  readonly stack?: string | undefined;
}

/** What {@link GreenroomError} takes beside its code and message. */
export interface GreenroomErrorOptions {
  readonly plugin?: string | undefined;
  readonly cause?: unknown;
  readonly remote?: RemoteError | undefined;
  readonly details?: unknown;
}

/**
 * The one error class of the runtime. `code` says what kind of failure it is, `plugin` whose, `cause` what lay under
 * it, `details` what a program may want to know (for a failed start `{ exitCode, signal, output }`), and `remote` the
 * plugin's own error where there is one. The message names the plugin and the next step.
 */
export class GreenroomError extends Error {
  override readonly name = 'GreenroomError';
  readonly code: ErrorCode;
  readonly plugin: string | undefined;
  readonly remote: RemoteError | undefined;
  readonly details: unknown;

  constructor(code: ErrorCode, message: string, options: GreenroomErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.plugin = options.plugin;
    this.remote = options.remote;
    this.details = options.details;
  }
}

/** The message of whatever was thrown; anything may be thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
