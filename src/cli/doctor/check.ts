/** How one thing stands: `warn` is what somebody may miss, `fail` what keeps plugins from running. */
export type Level = 'ok' | 'warn' | 'fail';

/** What came of looking at one thing. */
export interface Finding {
  /** What was looked at. */
  readonly check: string;
  readonly level: Level;
  readonly found: string;
  /** What to do about it, or what it means. */
  readonly next?: string | undefined;
}
