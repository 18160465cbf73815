import type { ErrorObject } from 'ajv';
import { isSecretName } from '../text/secret-names.ts';
import { isObject } from './schema.ts';

/**
 * The errors without what each branch of an `anyOf` or `oneOf` finds wrong with a value, where the whole can be told; and
 * without the branches for values of another type, where one of them is for values such as this.
 */
export function withoutBranches(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const wholes = errors.filter(isSimpleChoice);
  return withoutOtherTypes(
    errors.filter(
      ({ instancePath, schemaPath }) =>
        !wholes.some((whole) => instancePath === whole.instancePath && schemaPath.startsWith(`${whole.schemaPath}/`)),
    ),
  );
}

function withoutOtherTypes(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const dropped = new Set<ErrorObject>();
  errors.forEach((choice, at) => {
    if (!isFailedChoice(choice) || isSimpleChoice(choice)) return;
    const { instancePath: path } = choice;
    // What the branches have found comes right before what the choice says; a path of theirs may lead through a "$ref".
    const start = errors.slice(0, at).findLastIndex((error) => !`${error.instancePath}/`.startsWith(`${path}/`)) + 1;
    const found = errors.slice(start, at);
    const ofOtherTypes = found.filter((error) => error.instancePath === path && error.keyword === 'type');
    if (ofOtherTypes.length === 0 || ofOtherTypes.length === found.length) return;
    for (const error of [choice, ...ofOtherTypes]) dropped.add(error);
  });
  return errors.filter((error) => !dropped.has(error));
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
function isSimpleChoice(error: ErrorObject): boolean {
  if (!isFailedChoice(error)) return false;
  const branches: unknown = error.parentSchema?.[error.keyword];
  return (
    Array.isArray(branches) &&
    branches.every((branch) => isObject(branch) && ('const' in branch || 'enum' in branch || isScalar(branch['type'])))
  );
}

/** Whether a value fits none of several branches. */
function isFailedChoice({ keyword, params }: ErrorObject): boolean {
  return (keyword === 'anyOf' || keyword === 'oneOf') && !Array.isArray(params['passingSchemas']);
}

function isScalar(type: unknown): boolean {
  return typeof type === 'string' && type !== 'object' && type !== 'array';
}

/** The keywords of a schema that a few words say whole. */
const SIMPLE = new Set([
  ...['type', 'enum', 'const', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
  ...['minLength', 'maxLength', 'pattern', 'minItems', 'maxItems'],
]);
