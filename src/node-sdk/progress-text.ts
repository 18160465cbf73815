import { stringify } from './originals.ts';
import { shorten } from './shorten.ts';
import { textOf } from './text-of.ts';

/** The most characters of a progress message. */
const MAX_MESSAGE = 16 * 1024;

/** What a plugin has reported as progress, whatever that is, as the JSON of the protocol. Never throws. */
export function progressText(fraction: unknown, message: unknown): string {
  const progress = typeof fraction === 'number' && fraction >= 0 ? Math.min(1, fraction) : -1;
  const said =
    message === undefined || message === null ? {} : { message: shorten(textOf(message) ?? '', MAX_MESSAGE) };
  return stringify({ progress, ...said });
}
