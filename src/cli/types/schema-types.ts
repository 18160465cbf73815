import { GreenroomError, messageOf } from '../../errors.ts';
import { schemaProblem } from '../../json-schema/compile.ts';
import type { Schema } from '../../json-schema/schema.ts';
import { type Direction, schemaForTypes } from './schema-for-types.ts';

/** The name of the type that {@link SchemaTypes} declares for the schema itself, beside those of its parts. */
export const ROOT_TYPE = 'Value';

/** Declares the type {@link ROOT_TYPE} of the values that fit a schema. Rejects with why it cannot. */
export type SchemaTypes = (schema: Schema, direction: Direction) => Promise<string>;

const GENERATOR = 'json-schema-to-typescript';

const ROOT_DECLARATION = new RegExp(`^export (interface|type) ${ROOT_TYPE}\\b`, 'm');

/**
 * Makes ready what writes types of schemas: a library that projects install for it, as running plugins needs none. Rejects
 * with `E_OPTIONS` where it is not installed.
 */
export async function openSchemaTypes(): Promise<SchemaTypes> {
  const { compile } = await import('json-schema-to-typescript').catch((error: unknown) => {
    throw new GreenroomError(
      'E_OPTIONS',
      `The package ${GENERATOR}, which writes the types, cannot be loaded: ${messageOf(error)}\nInstall it beside greenroom: npm install --save-dev ${GENERATOR}`,
      { cause: error },
    );
  });
  return async (schema, direction) => {
    const problem = schemaProblem(schema);
    if (problem !== undefined) throw new Error(problem);
    const text = await compile({ ...schemaForTypes(schema, direction), title: ROOT_TYPE }, ROOT_TYPE, {
      bannerComment: '',
      unknownAny: true,
      // What a result has beyond its schema nobody can rely on; an input may have whatever its schema does not forbid.
      additionalProperties: direction === 'input',
      // Else a list of at most twenty would be twenty types.
      ignoreMinAndMaxItems: true,
      // A plugin's schema must not have files or addresses read.
      $refOptions: { resolve: { external: false } },
    });
    if (!ROOT_DECLARATION.test(text)) throw new Error('No type came of it.');
    return text;
  };
}
