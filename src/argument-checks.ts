import { GreenroomError } from './errors.ts';
import { unknownText } from './text/expected.ts';
import { sentence } from './text/sentence.ts';
import { shown } from './text/shown.ts';

/** What an option has to be: in words, and how it is recognised. */
export interface OptionKind {
  readonly expected: string;
  fits(value: unknown): boolean;
}

/** An option that is `true` or `false`. */
export const FLAG: OptionKind = { expected: 'true or false', fits: (value) => typeof value === 'boolean' };

/** An option that is a string. */
export const TEXT: OptionKind = { expected: 'a string', fits: (value) => typeof value === 'string' };

/** An option that cancels. */
export const SIGNAL: OptionKind = { expected: 'an AbortSignal', fits: (value) => value instanceof AbortSignal };

/** An option that is anything at all, which something else checks. */
export const ANY: OptionKind = { expected: 'anything', fits: () => true };

/** The same kinds are asked of at every call. */
const entriesOf = new WeakMap<object, readonly (readonly [string, OptionKind])[]>();

/**
 * Throws `E_OPTIONS` unless `options` is an object in which each option that is given is known and of its kind.
 *
 * @param where the method that takes them, as messages name it: `load()`
 */
export function checkOptions(
  where: string,
  options: unknown,
  kinds: Readonly<Record<string, OptionKind>>,
  plugin?: string,
): void {
  if (!isOptions(options)) throw wrongArgument(`The options of ${where}`, 'an object', options, plugin);
  let entries = entriesOf.get(kinds);
  if (entries === undefined) {
    entries = Object.entries(kinds);
    entriesOf.set(kinds, entries);
  }
  const given = options as Readonly<Record<string, unknown>>;
  for (const [option, { expected, fits }] of entries) {
    const value = given[option];
    if (value !== undefined && !fits(value)) {
      throw wrongArgument(`The option "${option}" of ${where}`, expected, value, plugin);
    }
  }
  for (const option of Object.keys(given)) {
    if (Object.hasOwn(kinds, option) || given[option] === undefined) continue;
    const what = unknownText('option', option, Object.keys(kinds));
    throw new GreenroomError('E_OPTIONS', sentence(`The options of ${where}: ${what}`), { plugin });
  }
}

/** Whether it can be the options of a method, whatever is in it. */
export function isOptions(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Throws `E_OPTIONS` unless it can be called. */
export function checkListener(where: string, listener: unknown): void {
  if (typeof listener !== 'function') throw wrongArgument(`The listener of ${where}`, 'a function', listener);
}

/** An `E_OPTIONS` that says what is wrong: `The option "signal" of load() must be an AbortSignal, got 5.` */
export function wrongArgument(what: string, expected: string, value: unknown, plugin?: string): GreenroomError {
  return new GreenroomError('E_OPTIONS', `${what} must be ${expected}, got ${shown(value)}.`, { plugin });
}
