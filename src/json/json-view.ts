import { bytesText } from '../text/memory-text.ts';
import { hasPlainPrototype, isBytes, MAX_DEPTH } from './exact-json.ts';
import { copyFields, type Fields, setField } from './fields.ts';

/** What stands for the path of a file that a value will be saved to. */
const FILE_PATH = '/path/of/file';

/**
 * A value as the plugin will see it, for a check of its shape: the value itself where it is plain data, else a copy in
 * which fields that are undefined are left out, values with `toJSON` are what that gives, those with `toTempFile` are a
 * path, a bigint is the nearest number, and bytes are a symbol: {@link isBytesView} and nothing else that JSON knows.
 *
 * What JSON cannot carry stays as it is. Throws where a value cannot be read, or is nested deeper than can be sent.
 */
export function jsonView(value: unknown): unknown {
  return viewOf(value, '', MAX_DEPTH);
}

/** Whether a value is what stands for bytes in a {@link jsonView}; its description says how many. */
export function isBytesView(value: unknown): value is symbol {
  return typeof value === 'symbol';
}

function viewOf(value: unknown, key: string, depth: number): unknown {
  if (typeof value === 'bigint') return nearestNumber(value);
  if (typeof value !== 'object' || value === null) return value;
  const { toJSON, toTempFile } = value as { toJSON?: unknown; toTempFile?: unknown };
  if (typeof toTempFile === 'function') return FILE_PATH;
  // Buffers have a `toJSON` that says less than they do.
  if (typeof toJSON !== 'function' || isBytes(value)) return contentOf(value, depth);
  // What it gives is not asked again, as by JSON.stringify.
  const given: unknown = toJSON.call(value, key);
  return typeof given === 'object' && given !== null ? contentOf(given, depth) : viewOf(given, key, depth);
}

function contentOf(value: object, depth: number): unknown {
  if (depth === 0) throw new RangeError('nested too deep');
  if (Array.isArray(value)) return listView(value, depth - 1);
  if (isBytes(value)) return bytesView(value);
  return fieldsView(value as Fields, depth - 1);
}

function listView(list: readonly unknown[], depth: number): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let at = 0; at < list.length; at += 1) {
    const item = list[at];
    if (isScalar(item)) continue;
    const view = viewOf(item, String(at), depth);
    if (view !== item) (copy ??= [...list])[at] = view;
  }
  return copy ?? list;
}

function fieldsView(value: Fields, depth: number): Fields {
  let copy: Fields | undefined = hasPlainPrototype(value) ? undefined : copyFields(value);
  for (const key in value) {
    const field = value[key];
    if (isScalar(field)) continue;
    const view = viewOf(field, key, depth);
    if (view === field && view !== undefined) continue;
    copy ??= copyFields(value);
    if (!Object.hasOwn(copy, key)) continue;
    if (view === undefined) delete copy[key];
    else setField(copy, key, view);
  }
  return copy ?? value;
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** One that JSON Schema takes for an integer: it knows no infinite ones. */
function nearestNumber(value: bigint): number {
  return Math.min(Math.max(Number(value), -Number.MAX_VALUE), Number.MAX_VALUE);
}

/** A symbol of its own, so that no two of them are equal. */
function bytesView({ byteLength }: { readonly byteLength: number }): symbol {
  return Symbol(bytesText(byteLength));
}
