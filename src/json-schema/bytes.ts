import { isBytesView } from '../json/json-view.ts';
import { changedThroughout } from './parts.ts';
import type { Schema } from './schema.ts';

/** The keyword that stands for `type: "string"` where bytes count as the text that carries them. */
export const BYTES_KEYWORD = 'bytesOrText';

/** Whether a value is bytes, or a text that may carry them. */
export function isBytesOrText(_schema: unknown, value: unknown): boolean {
  return typeof value === 'string' || isBytesView(value);
}

/**
 * A schema that takes bytes too wherever it says `{ "type": "string", "contentEncoding": "base64" }`. Elsewhere bytes fit
 * only if nothing is said of the type.
 */
export function takingBytes(schema: Schema): Schema {
  return changedThroughout(schema, ({ type, ...rest }) => {
    if (type === undefined) return rest;
    const isBytes = type === 'string' && rest['contentEncoding'] === 'base64' && rest['nullable'] === undefined;
    return isBytes ? { ...rest, [BYTES_KEYWORD]: true } : { type, ...rest };
  });
}
