import { rm } from 'node:fs';
import { GreenroomError, messageOf } from '../errors.ts';

/** A value that can save itself to a file and then travels as that file's path. */
export interface FileBacked {
  /** Saves the value and gives the file's path. The file is removed after the call. */
  toTempFile(): string | Promise<string>;
}

/** A call as it is sent. */
export interface EncodedCall {
  /** A `CallBody` as JSON. */
  readonly body: string;
  /** Files made for this call, to be removed after it. */
  readonly tempFiles: readonly string[];
}

const NO_FILES: readonly string[] = Object.freeze([]);

/**
 * Writes a call as JSON. An object becomes the keyword arguments, an array the positional ones, anything else the only
 * one, nothing none. Values with `toTempFile()`, or lists of such, are saved first, and only then is a promise returned.
 * Throws or rejects with `E_SERIALIZE` naming the value that cannot be written.
 */
export function encodeCall(plugin: string, call: string, input: unknown): EncodedCall | Promise<EncodedCall> {
  if (needsFiles(input)) return encodeWithFiles(plugin, call, input);
  return { body: bodyOf(plugin, call, input), tempFiles: NO_FILES };
}

/** Removes the files of a call; those that are gone already, or are nobody's to remove, are passed over. */
export function removeTempFiles(files: readonly string[]): void {
  for (const file of files) rm(file, { force: true }, () => {});
}

function bodyOf(plugin: string, call: string, input: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(input);
  } catch (error) {
    throw unwritable(plugin, findUnwritable(input, 'input', new Set()) ?? `input: ${messageOf(error)}`, error);
  }
  // JSON knows no NaN and no infinities and silently writes null for them, so a null is worth a second look.
  const suspicious = text === undefined || text.includes('null') || holdsBinary(input);
  if (suspicious && input !== undefined) {
    const found = findUnwritable(input, 'input', new Set());
    if (found !== undefined) throw unwritable(plugin, found);
  }
  if (input === undefined) return `{"call":"${call}","args":[],"kwargs":{}}`;
  if (Array.isArray(input)) return `{"call":"${call}","args":${text},"kwargs":{}}`;
  if (typeof input === 'object' && input !== null && text?.startsWith('{')) {
    return `{"call":"${call}","args":[],"kwargs":${text}}`;
  }
  return `{"call":"${call}","args":[${text}],"kwargs":{}}`;
}

function unwritable(plugin: string, what: string, cause?: unknown): GreenroomError {
  return new GreenroomError('E_SERIALIZE', `The input of a call of "${plugin}" cannot be written as JSON: ${what}.`, {
    plugin,
    cause,
  });
}

/** Says where in a value something stands that JSON cannot carry, and what; undefined where nothing does. */
function findUnwritable(value: unknown, path: string, above: Set<object>): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `${path} is ${value}`;
  if (typeof value === 'bigint') return `${path} is a BigInt; pass it as a string`;
  // Inside a value JSON leaves these out, as everybody expects.
  if (typeof value === 'function' || typeof value === 'symbol')
    return above.size === 0 ? `${path} is a ${typeof value}` : undefined;
  if (typeof value !== 'object' || value === null || 'toJSON' in value)
    return isBinary(value) ? binary(path) : undefined;
  if (isBinary(value)) return binary(path);
  if (above.has(value)) return `${path} refers back to a value that it is part of`;
  above.add(value);
  for (const [key, part] of Object.entries(value)) {
    const found = findUnwritable(part, Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`, above);
    if (found !== undefined) return found;
  }
  above.delete(value);
  return undefined;
}

function binary(path: string): string {
  return `${path} is binary data; write it to a file and pass the path, or give it a toTempFile()`;
}

/** Binary data as the input or as one of its arguments, which JSON would write as an object of numbers. */
function holdsBinary(input: unknown): boolean {
  if (typeof input !== 'object' || input === null) return false;
  if (isBinary(input)) return true;
  for (const key in input) if (isBinary((input as Record<string, unknown>)[key])) return true;
  return false;
}

function isBinary(value: unknown): boolean {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer;
}

function isFileBacked(value: unknown): value is FileBacked {
  return typeof value === 'object' && value !== null && 'toTempFile' in value && typeof value.toTempFile === 'function';
}

/** Looks at the arguments and at the items of those that are lists; deeper values are the plugin's own business. */
function needsFiles(input: unknown): boolean {
  if (typeof input !== 'object' || input === null) return false;
  if (isFileBacked(input)) return true;
  for (const key in input) {
    const value = (input as Record<string, unknown>)[key];
    if (typeof value !== 'object' || value === null) continue;
    if (isFileBacked(value) || (Array.isArray(value) && value.some(isFileBacked))) return true;
  }
  return false;
}

async function encodeWithFiles(plugin: string, call: string, input: unknown): Promise<EncodedCall> {
  const tempFiles: string[] = [];
  const save = async (value: unknown, path: string): Promise<unknown> => {
    if (Array.isArray(value))
      return Promise.all(value.map((item, index) => (isFileBacked(item) ? save(item, `${path}[${index}]`) : item)));
    if (!isFileBacked(value)) return value;
    const file: unknown = await value.toTempFile();
    if (typeof file !== 'string' || file === '') throw unwritable(plugin, `toTempFile() of ${path} gave no path`);
    tempFiles.push(file);
    return file;
  };
  try {
    const saved = isFileBacked(input) ? await save(input, 'input') : await saveEach(input as object, save);
    return { body: bodyOf(plugin, call, saved), tempFiles };
  } catch (error) {
    removeTempFiles(tempFiles);
    throw error instanceof GreenroomError
      ? error
      : unwritable(plugin, `saving a value to a file failed: ${messageOf(error)}`, error);
  }
}

async function saveEach(input: object, save: (value: unknown, path: string) => Promise<unknown>): Promise<unknown> {
  const settled = await Promise.allSettled(
    Object.entries(input).map(async ([key, value]) => [key, await save(value, `input.${key}`)] as const),
  );
  const entries = settled.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
  return Array.isArray(input) ? entries.map(([, value]) => value) : Object.fromEntries(entries);
}
