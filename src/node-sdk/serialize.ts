import { isBytes, type JsonLoss, writeJson } from '../json/exact-json.ts';
import type { JsonPath } from '../json/json-text.ts';
import type { PlacedBytes } from '../json/placed-bytes.ts';
import { PluginError } from './plugin-error.ts';

/** A value that travels as the path of a file it saves itself to. */
interface TempFileValue {
  toTempFile(): string | Promise<string>;
}

/** A result, chunk or config that cannot be sent. The message names where in the value. */
export class SerializeError extends PluginError {
  override readonly name = 'SerializeError';
}

/**
 * Writes a plugin's value as JSON, `undefined` as `null`; `name` stands for it in messages. Bytes are added to `bytes`,
 * with their places, and refused where there is no list. What would be changed or lost, at any depth, is a
 * {@link SerializeError}.
 */
export function serialize(value: unknown, name = 'result', bytes?: PlacedBytes[]): string {
  try {
    return writeJson(value, name, bytes) ?? 'null';
  } catch (error) {
    throw new SerializeError((error as JsonLoss).message, { cause: error });
  }
}

/** The same for a call over HTTP. Where the value has bytes, the message says why they cannot be sent. */
export function serializeJsonOnly(value: unknown, name: string): string {
  const bytes: PlacedBytes[] = [];
  const json = serialize(value, name, bytes);
  const [first] = bytes;
  if (first === undefined) return json;
  throw new SerializeError(
    `${name}${placeOf(first.path)} is binary data, and this call came by version 1 of the worker protocol, which carries only JSON; pass it as base64, or as the path of a file`,
  );
}

function placeOf(path: JsonPath): string {
  return path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('');
}

/** Replaces the value, or values directly in it, that have `toTempFile()` by their paths; the same value if none has. */
export function withTempFiles(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || isBytes(value)) return value;
  if (isTempFileValue(value)) return savedPath(value);
  // By hand, without an array of the members: this is done for every chunk of every stream.
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at += 1) if (isTempFileValue(value[at])) return saveMembers(value);
    return value;
  }
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
