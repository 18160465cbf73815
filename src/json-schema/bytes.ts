import { isBytesView } from '../json/json-view.ts';
import { isObject, type Schema } from './schema.ts';

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
  return rewritten(schema) as Schema;
}

function rewritten(schema: unknown): unknown {
  if (!isObject(schema)) return schema;
  const parts = Object.entries(schema).map(([keyword, value]) => [keyword, partOf(keyword, value)] as const);
  const { type, ...rest } = Object.fromEntries(parts);
  if (type === undefined) return rest;
  const isBytes = type === 'string' && rest['contentEncoding'] === 'base64' && rest['nullable'] === undefined;
  return isBytes ? { ...rest, [BYTES_KEYWORD]: true } : { type, ...rest };
}

function partOf(keyword: string, value: unknown): unknown {
  if (SCHEMAS_BY_NAME.has(keyword) && isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, rewritten(part)]));
  }
  if (!SCHEMAS.has(keyword)) return value;
  return Array.isArray(value) ? value.map(rewritten) : rewritten(value);
}

const SCHEMAS_BY_NAME = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);

/** The keywords of both dialects whose value is a schema, or a list of schemas. */
const SCHEMAS = new Set([
  ...['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'contains', 'propertyNames'],
  ...['items', 'prefixItems', 'additionalItems', 'unevaluatedItems', 'additionalProperties', 'unevaluatedProperties'],
]);
