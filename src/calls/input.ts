import { rm } from 'node:fs';
import { GreenroomError, messageOf } from '../errors.ts';
import { whyNotJson } from './json-problem.ts';

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
  if (input === undefined) return `{"call":"${call}","args":[],"kwargs":{}}`;
  let body: string;
  let hasNull: boolean;
  try {
    const text = JSON.stringify(input) as string | undefined;
    const head = `{"call":"${call}","args":[],"kwargs":`;
    body = `${head}${text}}`;
    // Looked at is the body and not the text: a string's parts are copied together when it is first looked at.
    if (Array.isArray(input)) body = `{"call":"${call}","args":${text},"kwargs":{}}`;
    else if (body[head.length] !== '{') body = `{"call":"${call}","args":[${text ?? 'null'}],"kwargs":{}}`;
    // JSON.stringify writes null for NaN and infinities, so only a text that has one needs the slow look.
    hasNull = body.includes('null');
  } catch (error) {
    throw unwritable(plugin, whyNotJson(input, 'input') ?? `input: ${messageOf(error)}`, error);
  }
  const problem = hasNull ? whyNotJson(input, 'input') : argumentProblem(input);
  if (problem !== undefined) throw unwritable(plugin, problem);
  return body;
}

function unwritable(plugin: string, what: string, cause?: unknown): GreenroomError {
  const message = `The input of a call of "${plugin}" cannot be written as JSON: ${what}.`;
  return new GreenroomError('E_SERIALIZE', message, { plugin, cause });
}

/** What is wrong with the arguments themselves where JSON would say nothing: functions, bytes, maps and sets. */
function argumentProblem(input: unknown): string | undefined {
  if (typeof input !== 'object' || input === null) return undefined;
  if (isWrongArgument(input)) return whyNotJson(input, 'input');
  for (const value of Array.isArray(input) ? input : Object.values(input)) {
    if (isWrongArgument(value)) return whyNotJson(input, 'input');
  }
  return undefined;
}

function isWrongArgument(value: unknown): boolean {
  return (
    typeof value === 'function' ||
    typeof value === 'symbol' ||
    (typeof value === 'object' &&
      (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof Map || value instanceof Set))
  );
}

function isFileBacked(value: unknown): value is FileBacked {
  return typeof value === 'object' && value !== null && 'toTempFile' in value && typeof value.toTempFile === 'function';
}

/** Looks at the arguments and at the items of those that are lists; deeper values are the plugin's own business. */
function needsFiles(input: unknown): boolean {
  if (typeof input !== 'object' || input === null || ArrayBuffer.isView(input)) return false;
  if (isFileBacked(input)) return true;
  for (const value of Array.isArray(input) ? input : Object.values(input)) {
    if (typeof value !== 'object' || value === null) continue;
    if (isFileBacked(value) || (Array.isArray(value) && value.some(isFileBacked))) return true;
  }
  return false;
}

async function encodeWithFiles(plugin: string, call: string, input: unknown): Promise<EncodedCall> {
  const tempFiles: string[] = [];
  const save = async (value: unknown, path: string): Promise<unknown> => {
    if (Array.isArray(value))
      return all(value.map((item, at) => (isFileBacked(item) ? save(item, `${path}[${at}]`) : item)));
    if (!isFileBacked(value)) return value;
    let file: unknown;
    try {
      file = await value.toTempFile();
    } catch (error) {
      throw unwritable(plugin, `toTempFile() of ${path} failed: ${messageOf(error)}`, error);
    }
    if (typeof file !== 'string' || file === '') throw unwritable(plugin, `toTempFile() of ${path} gave no path`);
    tempFiles.push(file);
    return file;
  };
  try {
    const saved = isFileBacked(input) ? await save(input, 'input') : await saveEach(input as object, save);
    return { body: bodyOf(plugin, call, saved), tempFiles };
  } catch (error) {
    removeTempFiles(tempFiles);
    throw error;
  }
}

async function saveEach(input: object, save: (value: unknown, path: string) => Promise<unknown>): Promise<unknown> {
  if (Array.isArray(input)) return all(input.map((value, at) => save(value, `input[${at}]`)));
  const keys = Object.keys(input);
  const values = await all(Object.entries(input).map(([key, value]) => save(value, `input.${key}`)));
  return Object.fromEntries(keys.map((key, at) => [key, values[at]]));
}

/** Waits for all even if one fails: only then are all files known that have to be removed. */
async function all(saving: readonly unknown[]): Promise<unknown[]> {
  const settled = await Promise.allSettled(saving);
  return settled.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
}
