import { text } from 'node:stream/consumers';
import { GreenroomError, messageOf } from '../errors.ts';
import { UsageError } from './arguments.ts';

/**
 * The input of a call from the command line: a text of JSON, `-` for one on standard input, and fields `k=v` that are
 * set in it. Undefined where nothing is given. Throws {@link UsageError} or `E_OPTIONS`.
 */
export async function callInput(given: string | undefined, fields: readonly string[]): Promise<unknown> {
  const input = given === undefined ? undefined : parseJson(given === '-' ? await text(process.stdin) : given, 'input');
  if (fields.length === 0) return input;
  if (input !== undefined && (typeof input !== 'object' || input === null || Array.isArray(input))) {
    throw new UsageError('--arg sets a field of an object, and the input is none.');
  }
  return { ...input, ...Object.fromEntries(fields.map(parseField)) };
}

/** Reads a text of JSON; `what` names it in the error, which is `E_OPTIONS`. */
export function parseJson(json: string, what: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    const shown = json.length > 60 ? `${json.slice(0, 60)}…` : json;
    throw new GreenroomError('E_OPTIONS', `The ${what} is not JSON: ${messageOf(error)}\n       It is: ${shown}`, {
      cause: error,
    });
  }
}

function parseField(field: string): [string, unknown] {
  const at = field.indexOf('=');
  if (at <= 0) throw new UsageError(`--arg takes NAME=VALUE, not "${field}".`);
  const value = field.slice(at + 1);
  try {
    return [field.slice(0, at), JSON.parse(value)];
  } catch {
    return [field.slice(0, at), value];
  }
}
