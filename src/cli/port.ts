import { UsageError } from './usage-error.ts';

/** The number of a port that was typed; undefined where none was. Throws {@link UsageError}. */
export function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new UsageError(`--port must be a number from 0 to 65535, got "${text}".`);
}
