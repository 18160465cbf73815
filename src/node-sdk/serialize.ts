import { type JsonLoss, writeJson } from '../json/exact-json.ts';
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
 * Writes a plugin's value as JSON, `undefined` as `null`; `name` stands for it in messages. What JSON would change or
 * lose, at any depth, is a {@link SerializeError}.
 */
export function serialize(value: unknown, name = 'result'): string {
  try {
    return writeJson(value, name) ?? 'null';
  } catch (error) {
    throw new SerializeError((error as JsonLoss).message, { cause: error });
  }
}

/** Replaces the value, or values directly in it, that have `toTempFile()` by their paths; the same value if none has. */
export function withTempFiles(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isTempFileValue(value)) return savedPath(value);
  // By hand, without an array of the members: this is done for every chunk of every stream.
  const members: Readonly<Record<string, unknown>> = value as Readonly<Record<string, unknown>>;
  for (const key in members) if (isTempFileValue(members[key])) return saveMembers(value);
  return value;
}

async function saveMembers(value: object): Promise<unknown> {
  const saved = async (member: unknown): Promise<unknown> => (isTempFileValue(member) ? savedPath(member) : member);
  if (Array.isArray(value)) return Promise.all(Array.from(value, saved));
  const members = Object.entries(value).map(async ([key, member]) => [key, await saved(member)] as const);
  return Object.fromEntries(await Promise.all(members));
}

async function savedPath(value: TempFileValue): Promise<string> {
  const path: unknown = await value.toTempFile();
  if (typeof path === 'string' && path !== '') return path;
  throw new SerializeError(
    `toTempFile() gave ${path === '' ? 'an empty text' : typeof path} where a path is expected.`,
  );
}

function isTempFileValue(value: unknown): value is TempFileValue {
  return typeof value === 'object' && value !== null && 'toTempFile' in value && typeof value.toTempFile === 'function';
}
