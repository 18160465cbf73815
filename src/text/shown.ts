import { inspect } from 'node:util';
import { shortened } from './shortened.ts';

/**
 * Any value as messages show it, short: JavaScript may have passed anything, also what cannot be made a text. A bigint that
 * could be a number ends with an `n`, a larger one is its digits.
 */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(shortened(value, 100));
  if (typeof value === 'bigint' && !Number.isSafeInteger(Number(value))) return shortened(String(value), 100);
  try {
    return shortened(inspect(value, { depth: 0, customInspect: false, maxStringLength: 100 }), 200);
  } catch {
    return `a value of type ${typeof value}`;
  }
}

/** A name as messages show it: a string in quotes, and anything else as {@link shown}. */
export function quoted(name: unknown): string {
  return typeof name === 'string' ? `"${shortened(name, 200)}"` : shown(name);
}
