/** The command line is not right. */
export class UsageError extends Error {
  /** What may have been meant, as a sentence. */
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}
