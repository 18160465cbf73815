import { schemaProblem } from '../json-schema/compile.ts';
import { shortageIn } from '../system-error.ts';

/**
 * Why an object is no JSON Schema that values can be checked by, without a full stop; undefined where it is one, and where
 * the program is short of something, which says nothing about the schema.
 */
export function schemaFault(schema: Readonly<Record<string, unknown>>): string | undefined {
  try {
    return schemaProblem(schema)?.replace(/\.$/, '');
  } catch (error) {
    if (shortageIn(error) !== undefined) return undefined;
    throw error;
  }
}
