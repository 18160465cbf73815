/** How a plugin classifies an error: what the caller gave, what may pass, what there is too little of, or else. */
export type PluginErrorCategory = 'input' | 'transient' | 'resource' | 'fatal';

/** What {@link PluginError} takes beside its message. */
export interface PluginErrorOptions {
  /** `fatal` where it is not said. */
  readonly category?: PluginErrorCategory | undefined;
  /** Whether the same call may work later; where it is not said, true for `transient` only. */
  readonly retryable?: boolean | undefined;
  /** Anything a program may want to know, as data; bytes and bigints as well. */
  readonly details?: unknown;
  readonly cause?: unknown;
}

/**
 * An error that says what kind of failure it is. Any other error with these properties is understood just as well; one
 * with none of them is `fatal`, unless its system code (such as `ECONNREFUSED`) says otherwise.
 */
export class PluginError extends Error {
  override readonly name: string = 'PluginError';
  readonly category: PluginErrorCategory;
  readonly retryable: boolean;
  readonly details: unknown;

  constructor(message: string, options: PluginErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.category = options.category ?? 'fatal';
    this.retryable = options.retryable ?? this.category === 'transient';
    this.details = options.details;
  }
}
