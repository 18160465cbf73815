import { text } from 'node:stream/consumers';
import { GreenroomError, messageOf } from '../errors.ts';
import { jsonFaults } from '../json/json-text.ts';
import { isReadable, readJson } from '../json/read-json.ts';
import { UsageError } from './usage-error.ts';

/**
 * The input of a call from the command line: a text of JSON, `-` for one on standard input, and fields `k=v` that are
 * set in it. Undefined where nothing is given. Throws {@link UsageError} or `E_OPTIONS`.
 */
export async function callInput(given: string | undefined, fields: readonly string[]): Promise<unknown> {
  const input = given === undefined ? undefined : parseJson(given === '-' ? await text(process.stdin) : given, 'input');
  if (fields.length === 0) return input;
  if (input !== undefined && (typeof input !== 'object' || input === null || Array.isArray(input))) {
    throw new UsageError('--arg sets a field of an object, but the input is not an object.');
  }
  const set = new Map<string, unknown>();
  for (const field of fields) {
    const [name, value] = parseField(field);
    if (set.has(name)) throw new UsageError(`--arg ${name} is given twice; keep one of the two.`);
    set.set(name, value);
  }
  return { ...input, ...Object.fromEntries(set) };
}

/** Reads a text of JSON; `what` names it in the error, which is `E_OPTIONS`. */
export function parseJson(json: string, what: string): unknown {
  try {
    JSON.parse(json);
  } catch (error) {
    const shown = json.length > 60 ? `${json.slice(0, 60)}…` : json;
    const isField = what === 'input' && /^[A-Za-z_][\w-]*=/.test(json);
    const hint = isField ? `\n       To set a field of the input, use: --arg ${shown}` : '';
    throw new GreenroomError('E_OPTIONS', `The ${what} is not JSON: ${messageOf(error)}\n       Got: ${shown}${hint}`, {
      cause: error,
    });
  }
  return exactly(json, what);
}

/** What a text of JSON says. Refuses what would be sent otherwise than it was typed. */
function exactly(json: string, what: string): unknown {
  const reasons = jsonFaults(json, (_path, digits) => isReadable(digits))
    // A field of this name is data like any other.
    .filter(({ kind }) => kind !== 'reserved')
    .map(({ field, reason }) => `${what}${field === '' || field.startsWith('[') ? '' : '.'}${field} ${reason}`);
  if (reasons.length > 0) throw new GreenroomError('E_OPTIONS', `${reasons.join('; ')}.`);
  try {
    return readJson(json);
  } catch (error) {
    throw new GreenroomError('E_OPTIONS', `The ${what} cannot be sent: ${messageOf(error)}.`, { cause: error });
  }
}

function parseField(field: string): [string, unknown] {
  const at = field.indexOf('=');
  if (at <= 0) throw new UsageError(`--arg must be NAME=VALUE, got "${field}".`);
  const [name, text] = [field.slice(0, at), field.slice(at + 1)];
  try {
    JSON.parse(text);
  } catch {
    return [name, text];
  }
  return [name, exactly(text, `--arg ${name}`)];
}
