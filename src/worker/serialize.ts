import { stringify } from './originals.ts';
import { PluginError } from './plugin-error.ts';

/** A value that travels as the path of a file it saves itself to. */
interface TempFileValue {
  toTempFile(): string | Promise<string>;
}

/** A result, chunk or config that JSON cannot say. The message names where in the value. */
export class SerializeError extends PluginError {
  override readonly name = 'SerializeError';
}

/**
 * Writes a plugin's value as JSON, `undefined` as `null`. What JSON would silently change is a {@link SerializeError}:
 * NaN, infinities, BigInt, cycles, and, at the first two levels, functions, bytes, maps and sets; deeper these are written
 * as everywhere in JavaScript, because finding them would mean to walk every value.
 */
export function serialize(value: unknown): string {
  refuseLosses(value);
  let json: string | undefined;
  try {
    json = stringify(value);
  } catch (error) {
    throw new SerializeError(problemIn(value) ?? `The value cannot be written as JSON: ${String(error)}`, {
      cause: error,
    });
  }
  if (json === undefined) return 'null';
  // JSON.stringify writes null for what it cannot say, so only a text that has one needs the slow look.
  if (json.includes('null')) {
    const problem = problemIn(value);
    if (problem !== undefined) throw new SerializeError(problem);
  }
  return json;
}

/** Replaces the value, or values directly in it, that have `toTempFile()` by their paths; the same value if none has. */
export function withTempFiles(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isTempFileValue(value)) return value.toTempFile();
  // By hand, without an array of the members: this is done for every chunk of every stream.
  const members: Readonly<Record<string, unknown>> = value as Readonly<Record<string, unknown>>;
  for (const key in members) if (isTempFileValue(members[key])) return saveMembers(value);
  return value;
}

async function saveMembers(value: object): Promise<unknown> {
  const members = await Promise.all(
    Object.entries(value).map(async ([key, member]): Promise<[string, unknown]> => {
      return [key, isTempFileValue(member) ? await member.toTempFile() : member];
    }),
  );
  return Array.isArray(value) ? members.map(([, member]) => member) : Object.fromEntries(members);
}

function isTempFileValue(value: unknown): value is TempFileValue {
  return typeof value === 'object' && value !== null && 'toTempFile' in value && typeof value.toTempFile === 'function';
}

function refuseLosses(value: unknown): void {
  if (typeof value === 'function' || typeof value === 'symbol')
    throw new SerializeError(`${at([])} is a ${typeof value}.`);
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return;
  refuseContainer(value, []);
  for (const key in value) {
    const member = (value as Readonly<Record<string, unknown>>)[key];
    if (typeof member === 'function' && Object.hasOwn(value, key))
      throw new SerializeError(`${at([key])} is a function.`);
    if (typeof member === 'object' && member !== null) refuseContainer(member, [key]);
  }
}

/** Refuses objects whose content is not in their properties, or byte by byte. */
function refuseContainer(value: object, path: readonly string[]): void {
  if ('toJSON' in value) return;
  if (value instanceof Map || value instanceof Set) {
    const kind = value instanceof Map ? 'Map' : 'Set';
    throw new SerializeError(`${at(path)} is a ${kind}, of which JSON keeps nothing: give an object or a list.`);
  }
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    throw new SerializeError(`${at(path)} is binary data: write it to a file and give its path, or give a list.`);
  }
}

/** Finds the first thing that JSON cannot say; walks like JSON.stringify does. */
function problemIn(root: unknown): string | undefined {
  const open = new Set<object>();
  const path: string[] = [];

  function look(given: unknown, key: string): string | undefined {
    const value = hasToJson(given) ? given.toJSON(key) : given;
    if (typeof value === 'number' && !Number.isFinite(value)) return `${at(path)} is ${value}, which JSON cannot say.`;
    if (typeof value === 'bigint') return `${at(path)} is a BigInt, which JSON cannot say.`;
    if (typeof value === 'function' || typeof value === 'symbol') return `${at(path)} is a ${typeof value}.`;
    if (typeof value !== 'object' || value === null) return undefined;
    if (open.has(value)) return `${at(path)} refers back to a value that holds it.`;
    open.add(value);
    for (const [name, member] of Object.entries(value)) {
      path.push(Array.isArray(value) ? `[${name}]` : `.${name}`);
      const problem = look(member, name);
      if (problem !== undefined) return problem;
      path.pop();
    }
    open.delete(value);
    return undefined;
  }

  try {
    return look(root, '');
  } catch {
    // A toJSON that throws, or a value deeper than the stack: the error of JSON.stringify says it.
    return undefined;
  }
}

function hasToJson(value: unknown): value is { toJSON(key: string): unknown } {
  return typeof value === 'object' && value !== null && 'toJSON' in value && typeof value.toJSON === 'function';
}

function at(path: readonly string[]): string {
  return `The value${path.length === 0 ? '' : ` at ${path.join('').replace(/^\./, '')}`}`;
}
