import { changedThroughout } from '../../json-schema/parts.ts';
import type { Schema } from '../../json-schema/schema.ts';

/** Which way a value goes: `input` from the caller to the plugin, `output` back. */
export type Direction = 'input' | 'output';

/** A default that is longer, in characters, is not told. */
const MAX_DEFAULT_LENGTH = 80;

/**
 * A schema as json-schema-to-typescript is to read it: with types in its own keyword `tsType` where it would make others,
 * and without what would make it write what a plugin says into the types.
 */
export function schemaForTypes({ $schema: _dialect, $id: _id, ...schema }: Schema, direction: Direction): Schema {
  return changedThroughout(schema, (part) => readable(part, direction));
}

function readable(part: Schema, direction: Direction): Schema {
  // Each title would name a type, and a default's type would be that of the field.
  const { title: _title, default: fallback, tsType: _type, tsEnumNames: _names, ...kept } = part;
  const { prefixItems, ...rest } = kept;
  const notes = [rest['description'], defaultText(fallback)].filter((note) => typeof note === 'string');
  const type = typeText(kept, direction);
  return {
    ...rest,
    // As draft 7 says it, which is what the generator knows.
    ...(Array.isArray(prefixItems) && {
      items: prefixItems,
      additionalItems: rest['items'] ?? rest['maxItems'] !== prefixItems.length,
    }),
    ...(isAnyObject(rest) && { additionalProperties: true }),
    ...(notes.length > 0 && { description: notes.join('\n') }),
    ...(type !== undefined && { tsType: type }),
  };
}

function defaultText(fallback: unknown): string | undefined {
  if (fallback === undefined) return undefined;
  const text = JSON.stringify(fallback);
  return text.length > MAX_DEFAULT_LENGTH ? undefined : `@default ${text}`;
}

/** Nothing is said of its fields, so that it may have any, a result too. */
function isAnyObject({ type, properties, patternProperties, additionalProperties }: Schema): boolean {
  return type === 'object' && (properties ?? patternProperties ?? additionalProperties) === undefined;
}

/** The type of values of which the generator has another idea: bytes, integers that no number holds, and any value. */
function typeText(schema: Schema, direction: Direction): string | undefined {
  if (!TYPED_BY.some((keyword) => keyword in schema)) return 'unknown';
  const { type, enum: values, const: value, contentEncoding } = schema;
  if (values !== undefined || value !== undefined) return undefined;
  const types = Array.isArray(type) ? (type as readonly unknown[]) : [type];
  const special = types.map((each) => {
    if (each === 'string' && contentEncoding === 'base64') return 'Uint8Array';
    // What comes back is a bigint only beyond 2 ** 53, with which few programs reckon.
    if (each === 'integer' && direction === 'input') return 'number | bigint';
    return undefined;
  });
  if (special.every((each) => each === undefined)) return undefined;
  const texts = types.map((each, at) => special[at] ?? PLAIN_TYPES[String(each)]);
  // With a list or an object beside it the generator knows more.
  return texts.includes(undefined) ? undefined : `(${texts.join(' | ')})`;
}

const PLAIN_TYPES: Readonly<Record<string, string>> = {
  string: 'string',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  null: 'null',
};

/** Keywords that say of what type a value is. Without one it may be of any. */
const TYPED_BY = [
  ...['type', 'enum', 'const', '$ref', 'allOf', 'anyOf', 'oneOf', 'items', 'prefixItems'],
  ...['properties', 'patternProperties', 'additionalProperties', 'required'],
];
