import type { JsonSchema, Schema } from './plugin.ts';
import { createPluginLog } from './plugin-log.ts';
import { serialize } from './serialize.ts';
import { isStandardSchema } from './standard-schema.ts';
import { zodInputOverride } from './zod-inputs.ts';

const TARGET = 'draft-2020-12';

/** Which side of a schema is said: what it takes, or what it gives. */
export type SchemaSide = 'input' | 'output';

/** A schema that says itself by a method, as those of zod 4 do. */
interface Convertible {
  toJSONSchema(options: { readonly target: string; readonly io: SchemaSide }): JsonSchema;
}

/**
 * The schema as JSON Schema, as plain data; `undefined` where it cannot say itself as such. Where it fails to, a line of
 * the plugin's log tells it, and `what` stands for the schema there.
 */
export function jsonSchemaOf(schema: Schema<unknown>, side: SchemaSide, what: string): JsonSchema | undefined {
  if (!isLibrarySchema(schema)) return schema as JsonSchema;
  try {
    const standard = isStandardSchema(schema) ? schema['~standard'] : undefined;
    const libraryOptions = standard?.vendor === 'zod' && side === 'input' ? { override: zodInputOverride } : {};
    const said = standard?.jsonSchema?.[side]?.({ target: TARGET, libraryOptions });
    const json =
      said ??
      (isConvertible(schema) ? schema.toJSONSchema({ target: TARGET, io: side, ...libraryOptions }) : undefined);
    if (json === undefined) return undefined;
    if (typeof json !== 'object' || json === null)
      throw new TypeError(`it says ${String(json)} of itself, which is no object`);
    serialize(json, what);
    return json;
  } catch (error) {
    createPluginLog().warn(`The ${what} cannot be expressed as JSON Schema: ${String(error)}`);
    return undefined;
  }
}

/** Whether a value is a schema of a library, not JSON Schema as plain data. */
export function isLibrarySchema(schema: object): boolean {
  return isStandardSchema(schema) || isConvertible(schema);
}

function isConvertible(schema: object): schema is Convertible {
  return typeof Reflect.get(schema, 'toJSONSchema') === 'function';
}
