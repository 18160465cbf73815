import { isObject, type Schema } from './schema.ts';

/**
 * A schema in which it and every schema inside it are what `change` makes of them, from the inside out. Schemas that are
 * `true` or `false` stay.
 */
export function changedThroughout(schema: Schema, change: (schema: Schema) => Schema): Schema {
  const parts = Object.entries(schema).map(
    ([keyword, value]) => [keyword, changedPart(keyword, value, change)] as const,
  );
  return change(Object.fromEntries(parts));
}

function changedPart(keyword: string, value: unknown, change: (schema: Schema) => Schema): unknown {
  const changed = (part: unknown): unknown => (isObject(part) ? changedThroughout(part, change) : part);
  if (SCHEMAS_BY_NAME.has(keyword) && isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, changed(part)]));
  }
  if (!SCHEMAS.has(keyword)) return value;
  return Array.isArray(value) ? value.map(changed) : changed(value);
}

const SCHEMAS_BY_NAME = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);

/** The keywords of both dialects whose value is a schema, or a list of schemas. */
const SCHEMAS = new Set([
  ...['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'contains', 'propertyNames'],
  ...['items', 'prefixItems', 'additionalItems', 'unevaluatedItems', 'additionalProperties', 'unevaluatedProperties'],
]);
