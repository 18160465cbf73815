import { rm } from 'node:fs/promises';
import { GreenroomError, messageOf } from '../errors.ts';
import { JsonLoss, writeJson } from '../json/exact-json.ts';

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

/** A call with values that have to be saved to files before it can be sent. All else of it is written already. */
export interface UnsavedCall {
  /** Saves the files, once. Rejects with `E_SERIALIZE` where one cannot be, and removes the others. */
  save(): Promise<EncodedCall>;
}

const NO_FILES: readonly string[] = Object.freeze([]);

/**
 * Writes a call as JSON, as its input is now. An object becomes the keyword arguments, an array the positional ones,
 * anything else the only one, nothing none. Where arguments, or items of lists among them, have a `toTempFile()`, they
 * are still to be saved. Throws `E_SERIALIZE` naming the value that cannot be sent as it is.
 */
export function encodeCall(plugin: string, call: string, input: unknown): EncodedCall | UnsavedCall {
  try {
    return needsFiles(input) ? unsavedCall(plugin, call, input) : { body: bodyOf(call, input), tempFiles: NO_FILES };
  } catch (error) {
    // Else it comes from a getter of the input.
    throw unwritable(
      plugin,
      error instanceof JsonLoss ? error.message : `input cannot be read: ${messageOf(error)}`,
      error,
    );
  }
}

/** Removes the files of a call; those that are gone already, or are nobody's to remove, are passed over. */
export function removeTempFiles(files: readonly string[]): void {
  for (const file of files) rm(file, { force: true }).catch(() => {});
}

function bodyOf(call: string, input: unknown): string {
  if (input === undefined) return `{"call":"${call}","args":[],"kwargs":{}}`;
  const text = writeJson(input, 'input');
  if (Array.isArray(input)) return `{"call":"${call}","args":${text},"kwargs":{}}`;
  const head = `{"call":"${call}","args":[],"kwargs":`;
  const body = `${head}${text}}`;
  // Looked at is the body and not the text: a string's parts are copied together when it is first looked at.
  return body[head.length] === '{' ? body : `{"call":"${call}","args":[${text ?? 'null'}],"kwargs":{}}`;
}

function unwritable(plugin: string, what: string, cause?: unknown): GreenroomError {
  const message = `The input of a call to "${plugin}" cannot be sent as JSON: ${what}.`;
  return new GreenroomError('E_SERIALIZE', message, { plugin, cause });
}

function isFileBacked(value: unknown): value is FileBacked {
  return typeof value === 'object' && value !== null && 'toTempFile' in value && typeof value.toTempFile === 'function';
}

/** Looks at the arguments and at the items of those that are lists. */
function needsFiles(input: unknown): input is object {
  if (typeof input !== 'object' || input === null || ArrayBuffer.isView(input)) return false;
  if (isFileBacked(input)) return true;
  for (const value of Array.isArray(input) ? input : Object.values(input)) {
    if (typeof value !== 'object' || value === null) continue;
    if (isFileBacked(value) || (Array.isArray(value) && value.some(isFileBacked))) return true;
  }
  return false;
}

/** A value to be saved, and where in the input it is. */
interface UnsavedFile {
  readonly value: FileBacked;
  readonly place: string;
}

/** The body of a call in pieces, among them files whose paths are not known yet. */
type Pieces = (string | UnsavedFile)[];

function unsavedCall(plugin: string, call: string, input: object): UnsavedCall {
  const pieces: Pieces = [`{"call":"${call}","args":`];
  if (isFileBacked(input)) pieces.push('[', { value: input, place: 'input' }, '],"kwargs":{}}');
  else if (Array.isArray(input)) pieces.push(...listPieces(input, 'input', 1), ',"kwargs":{}}');
  else pieces.push('[],"kwargs":', ...objectPieces(input), '}');
  return { save: () => saveAll(plugin, pieces) };
}

function objectPieces(input: object): Pieces {
  const pieces: Pieces = [];
  for (const [key, value] of Object.entries(input)) {
    const written = valuePieces(value, `input.${key}`, 1);
    if (written !== undefined) pieces.push(`${pieces.length === 0 ? '' : ','}${JSON.stringify(key)}:`, ...written);
  }
  return ['{', ...pieces, '}'];
}

function listPieces(list: readonly unknown[], place: string, levels: number): Pieces {
  const pieces: Pieces = [];
  for (let at = 0; at < list.length; at += 1) {
    const written = valuePieces(list[at], `${place}[${at}]`, levels);
    if (written === undefined)
      throw new JsonLoss(`${place}[${at}] is undefined, which JSON would make null; pass null`);
    pieces.push(at === 0 ? '' : ',', ...written);
  }
  return ['[', ...pieces, ']'];
}

/** The pieces of one value; `levels` says how many levels of lists below it may hold files. */
function valuePieces(value: unknown, place: string, levels: number): Pieces | undefined {
  if (isFileBacked(value)) return [{ value, place }];
  if (levels > 0 && Array.isArray(value) && value.some(isFileBacked)) return listPieces(value, place, levels - 1);
  const text = writeJson(value, place);
  return text === undefined ? undefined : [text];
}

/** Waits for all even if one fails: only then are all files known that have to be removed. */
async function saveAll(plugin: string, pieces: Pieces): Promise<EncodedCall> {
  const tempFiles: string[] = [];
  const outcomes = await Promise.allSettled(
    pieces.map(async (piece) => {
      if (typeof piece === 'string') return piece;
      const path = await saveFile(plugin, piece);
      tempFiles.push(path);
      return JSON.stringify(path);
    }),
  );
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) {
    removeTempFiles(tempFiles);
    throw failed.reason;
  }
  return { body: outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : '')).join(''), tempFiles };
}

async function saveFile(plugin: string, { value, place }: UnsavedFile): Promise<string> {
  let file: unknown;
  try {
    file = await value.toTempFile();
  } catch (error) {
    throw unwritable(plugin, `toTempFile() of ${place} failed: ${messageOf(error)}`, error);
  }
  // No file has a NUL in its name.
  if (typeof file !== 'string' || file === '' || file.includes('\0')) {
    throw unwritable(plugin, `toTempFile() of ${place} gave no path`);
  }
  return file;
}
