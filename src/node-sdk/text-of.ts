import { writeJson } from '../json/exact-json.ts';
import { stringify } from './originals.ts';

/** Any value as text, an object as JSON; `undefined` where it cannot be shown. Never throws. */
export function textOf(value: unknown): string | undefined {
  try {
    if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return String(value);
    return stringify(value) ?? typeof value;
  } catch {
    return exactTextOf(value);
  }
}

/** With the digits of bigints, at which JSON.stringify throws. */
function exactTextOf(value: unknown): string | undefined {
  try {
    return writeJson(value, 'it');
  } catch {
    return undefined;
  }
}
