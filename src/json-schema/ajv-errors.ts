import type { ErrorObject } from 'ajv';
import { isSecretName } from '../text/secret-names.ts';
import { isObject } from './schema.ts';

/** The errors without what each branch of an `anyOf` or `oneOf` finds wrong with a value, where the whole can be told. */
export function withoutBranches(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const wholes = errors.filter(isSimpleChoice);
  return errors.filter(
    ({ instancePath, schemaPath }) =>
      !wholes.some((whole) => instancePath === whole.instancePath && schemaPath.startsWith(`${whole.schemaPath}/`)),
  );
}

/** Whether a few words about the schema of an error say whole what it accepts. */
export function isSimple(error: ErrorObject): boolean {
  return SIMPLE.has(error.keyword) || isSimpleChoice(error);
}

/** Whether the value that an error is about, reached by this path, is likely to be secret. */
export function isSecret(path: string, { parentSchema }: ErrorObject): boolean {
  return isSecretName(path) || parentSchema?.['writeOnly'] === true || parentSchema?.['format'] === 'password';
}

/** Whether a value fits none of several branches, each of which a few words describe. */
function isSimpleChoice({ keyword, parentSchema, params }: ErrorObject): boolean {
  if ((keyword !== 'anyOf' && keyword !== 'oneOf') || Array.isArray(params['passingSchemas'])) return false;
  const branches: unknown = parentSchema?.[keyword];
  return (
    Array.isArray(branches) &&
    branches.every((branch) => isObject(branch) && ('const' in branch || 'enum' in branch || isScalar(branch['type'])))
  );
}

function isScalar(type: unknown): boolean {
  return typeof type === 'string' && type !== 'object' && type !== 'array';
}

/** The keywords of a schema that a few words say whole. */
const SIMPLE = new Set([
  ...['type', 'enum', 'const', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
  ...['minLength', 'maxLength', 'pattern', 'minItems', 'maxItems'],
]);
