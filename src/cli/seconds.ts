import { UsageError } from './usage-error.ts';

/** What an option says in seconds, in whole milliseconds. Throws {@link UsageError} where that is no time above 0. */
export function millisecondsOf(option: string, text: string): number {
  const seconds = Number(text);
  if (text.trim() !== '' && seconds > 0 && Number.isFinite(seconds)) return Math.ceil(seconds * 1_000);
  throw new UsageError(`${option} must be a number of seconds above 0, got "${text}".`);
}
