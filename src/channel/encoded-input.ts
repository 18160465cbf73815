import { constants } from 'node:buffer';
import { rm } from 'node:fs/promises';
import { GreenroomError, messageOf } from '../errors.ts';
import { isBytes, JsonLoss, writeJson } from '../json/exact-json.ts';
import type { JsonPath } from '../json/json-text.ts';
import { byteLengthOf, MAX_BYTES, type PlacedBytes } from '../json/placed-bytes.ts';
import { Arguments } from './arguments.ts';

/** A value that can save itself to a file and then travels as that file's path. */
export interface FileBacked {
  /** Saves the value and gives the file's path. The file is removed after the call. */
  toTempFile(): string | Promise<string>;
}

/**
 * The input of a call, written, and of no wire yet: a call is encoded before it is known which worker will take it, and
 * may be sent again to another one. Each channel makes what it sends of it.
 */
export interface EncodedInput {
  /** The positional arguments: a list in JSON. */
  readonly args: string;
  /** The named arguments: an object in JSON. */
  readonly kwargs: string;
  /** The bytes among them. Their paths begin with `args` or `kwargs`; the JSON has `null` there. */
  readonly bytes: readonly PlacedBytes[];
}

/** An input that is saved, and the files made for it, to be removed after the call. */
export interface SavedInput {
  readonly input: EncodedInput;
  readonly tempFiles: readonly string[];
}

/** An input with values that have to be saved to files before it can be sent. All else of it is written already. */
export interface UnsavedInput {
  /** Saves the files, once. Rejects with `E_SERIALIZE` where one cannot be, and removes the others. */
  save(): Promise<SavedInput>;
}

/**
 * Writes an input as it is now. An object becomes the keyword arguments, an array the positional ones, {@link Arguments}
 * both, anything else the only one, nothing none. Where arguments, or items of lists among them, have a `toTempFile()`, they are still to be
 * saved. Throws `E_SERIALIZE` naming the value that cannot be sent as it is.
 */
export function encodeInput(plugin: string, input: unknown): EncodedInput | UnsavedInput {
  return encode(plugin, input, []);
}

/** The same for a wire that carries nothing but JSON: bytes are refused too. */
export function encodeJsonInput(plugin: string, input: unknown): EncodedInput | UnsavedInput {
  return encode(plugin, input, undefined);
}

/** What has the bytes of an input; undefined where it may have none. */
type Bytes = PlacedBytes[] | undefined;

function encode(plugin: string, input: unknown, bytes: Bytes): EncodedInput | UnsavedInput {
  try {
    return needsFiles(input) ? unsavedInput(plugin, input, bytes) : written(input, bytes);
  } catch (error) {
    // Else it comes from a getter of the input.
    throw unwritable(
      plugin,
      error instanceof JsonLoss ? error.message : `input cannot be read: ${messageOf(error)}`,
      error,
    );
  }
}

/** A `CallBody` as JSON. */
export function callBody(call: string, { args, kwargs }: EncodedInput, tool?: string, traceparent?: string): string {
  const named = tool === undefined ? '' : `"tool":${JSON.stringify(tool)},`;
  const traced = traceparent === undefined ? '' : `"traceparent":${JSON.stringify(traceparent)},`;
  return `{"call":"${call}",${named}${traced}"args":${args},"kwargs":${kwargs}}`;
}

/** Removes the files of a call; those that are gone already, or are nobody's to remove, are passed over. */
export function removeTempFiles(files: readonly string[]): void {
  for (const file of files) rm(file, { force: true }).catch(() => {});
}

/** The longest text that there can be, less what wires write around it. */
const MAX_LENGTH = constants.MAX_STRING_LENGTH - 1_024;

/** Throws now what would be thrown as the call is sent. */
function sendable(args: string, kwargs: string, bytes: Bytes = []): EncodedInput {
  if (args.length + kwargs.length > MAX_LENGTH) throw new RangeError('Invalid string length');
  if (byteLengthOf(bytes) > MAX_BYTES) {
    throw new JsonLoss(
      `input has more than ${MAX_BYTES / 2 ** 20} MiB of bytes; pass them in several calls, or as the paths of files`,
    );
  }
  return { args, kwargs, bytes };
}

function written(input: unknown, bytes: Bytes): EncodedInput {
  if (input === undefined) return sendable('[]', '{}', bytes);
  if (input instanceof Arguments) {
    const args = partText(input.args, 'input.args', ['args'], bytes) ?? '[]';
    return sendable(args, partText(input.kwargs, 'input.kwargs', ['kwargs'], bytes) ?? '{}', bytes);
  }
  const own: Bytes = bytes === undefined ? undefined : [];
  const text = writeJson(input, 'input', own) ?? 'null';
  const isNamed = !Array.isArray(input) && isObjectText(input, text);
  const isList = Array.isArray(input);
  if (own !== undefined && own.length > 0) place(own, isNamed ? ['kwargs'] : isList ? ['args'] : ['args', 0], bytes);
  if (isNamed) return sendable('[]', text, bytes);
  return sendable(isList ? text : `[${text}]`, '{}', bytes);
}

/** Writes a part of an input, and adds its bytes to those of all of it; undefined where the part is. */
function partText(value: unknown, name: string, path: JsonPath, bytes: Bytes): string | undefined {
  const own: Bytes = bytes === undefined ? undefined : [];
  const text = writeJson(value, name, own);
  if (own !== undefined) place(own, path, bytes);
  return text;
}

/** Adds bytes of a part of the input to those of all of it. */
function place(own: readonly PlacedBytes[], above: JsonPath, bytes: Bytes): void {
  for (const { path, bytes: data } of own) bytes?.push({ path: [...above, ...path], bytes: data });
}

/**
 * Whether an input that is no list was written as an object. A text is looked at only where its input does not tell, as
 * that copies the parts of a long one together, which sending it does once more.
 */
function isObjectText(input: unknown, text: string): boolean {
  if (typeof input === 'string') return false;
  if (typeof input === 'object' && input !== null && isBytes(input)) return false;
  const isAsItLooks = typeof input === 'object' && input !== null && !('toJSON' in input);
  return isAsItLooks || text.startsWith('{');
}

function unwritable(plugin: string, what: string, cause?: unknown): GreenroomError {
  const message = `The input of a call to "${plugin}" cannot be sent: ${what}.`;
  return new GreenroomError('E_SERIALIZE', message, { plugin, cause });
}

function isFileBacked(value: unknown): value is FileBacked {
  return typeof value === 'object' && value !== null && 'toTempFile' in value && typeof value.toTempFile === 'function';
}

/** Looks at the arguments and at the items of those that are lists. */
function needsFiles(input: unknown): input is object {
  if (typeof input !== 'object' || input === null || isBytes(input)) return false;
  if (isFileBacked(input)) return true;
  if (input instanceof Arguments) return needsFiles(input.args) || needsFiles(input.kwargs);
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

/** The JSON of arguments in pieces, among them files whose paths are not known yet. */
type Pieces = (string | UnsavedFile)[];

function unsavedInput(plugin: string, input: object, bytes: Bytes): UnsavedInput {
  const { args = ['[]'], kwargs = ['{}'] } = piecesOf(input, bytes);
  return {
    async save() {
      const { texts, tempFiles } = await saveAll(plugin, [...args, ...kwargs]);
      const text = (from: number, to?: number): string => texts.slice(from, to).join('');
      return { input: sendable(text(0, args.length), text(args.length), bytes), tempFiles };
    },
  };
}

function piecesOf(input: object, bytes: Bytes): { args?: Pieces; kwargs?: Pieces } {
  if (isFileBacked(input)) return { args: ['[', { value: input, place: 'input' }, ']'] };
  const args = { place: 'input', path: ['args'], levels: 1, bytes };
  if (Array.isArray(input)) return { args: listPieces(input, args) };
  const kwargs = { ...args, path: ['kwargs'] };
  if (!(input instanceof Arguments)) return { kwargs: objectPieces(input, kwargs) };
  return {
    args: listPieces(input.args, { ...args, place: 'input.args' }),
    kwargs: objectPieces(input.kwargs, { ...kwargs, place: 'input.kwargs' }),
  };
}

/** Where in the input a part of it is, how many levels of lists below it may hold files, and what gets its bytes. */
interface Part {
  readonly place: string;
  readonly path: JsonPath;
  readonly levels: number;
  readonly bytes: Bytes;
}

function objectPieces(input: object, part: Part): Pieces {
  const pieces: Pieces = [];
  for (const [key, value] of Object.entries(input)) {
    const written = valuePieces(value, { ...part, place: `${part.place}.${key}`, path: [...part.path, key] });
    if (written !== undefined) pieces.push(`${pieces.length === 0 ? '' : ','}${JSON.stringify(key)}:`, ...written);
  }
  return ['{', ...pieces, '}'];
}

function listPieces(list: readonly unknown[], part: Part): Pieces {
  const pieces: Pieces = [];
  for (let at = 0; at < list.length; at += 1) {
    const place = `${part.place}[${at}]`;
    const written = valuePieces(list[at], { ...part, place, path: [...part.path, at] });
    if (written === undefined) throw new JsonLoss(`${place} is undefined, which JSON would make null; pass null`);
    pieces.push(at === 0 ? '' : ',', ...written);
  }
  return ['[', ...pieces, ']'];
}

/** The pieces of one value. */
function valuePieces(value: unknown, part: Part): Pieces | undefined {
  if (isFileBacked(value)) return [{ value, place: part.place }];
  if (part.levels > 0 && Array.isArray(value) && value.some(isFileBacked)) {
    return listPieces(value, { ...part, levels: part.levels - 1 });
  }
  const text = partText(value, part.place, part.path, part.bytes);
  return text === undefined ? undefined : [text];
}

/** Waits for all even if one fails: only then are all files known that have to be removed. */
async function saveAll(plugin: string, pieces: Pieces): Promise<{ texts: string[]; tempFiles: readonly string[] }> {
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
  return { texts: outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : '')), tempFiles };
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
