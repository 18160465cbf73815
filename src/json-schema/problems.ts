import type { ErrorObject } from 'ajv';
import { lookUpReference } from '../json/json-pointer.ts';
import { isBytesView } from '../json/json-view.ts';
import { acceptedBy, gotText } from '../text/expected.ts';
import { nearestName } from '../text/nearest-name.ts';
import { shortened } from '../text/shortened.ts';
import { isSecret, isSimple, withoutBranches } from './ajv-errors.ts';
import { BYTES_KEYWORD } from './bytes.ts';
import { isObject, type Schema } from './schema.ts';

/** A place where a value does not fit its schema, in words. */
export interface Problem {
  /** Where, for example `input.files[3].name`. */
  readonly path: string;
  /** What fits there, for example `a whole number of at least 1`. */
  readonly expected: string;
  /** What is there, shortened; of what is likely to be secret only its type. `nothing` for what is missing. */
  readonly got: string;
  /** The name or value that was probably meant. */
  readonly nearest?: string;
}

/** How many problems are told of one value. */
export const MAX_PROBLEMS = 20;

/** One problem as a part of a sentence. */
export function problemText({ path, expected, got, nearest }: Problem): string {
  const meant = nearest === undefined ? '' : `; did you mean "${nearest}"?`;
  if (got === MISSING) return `${path}: missing; expected ${expected}${meant}`;
  if (got === UNKNOWN) return `${path}: unknown field${meant}`;
  return `${path}: expected ${expected}, got ${got}${meant}`;
}

/** The first problems as a sentence's end, and how many there are besides. */
export function problemsText(problems: readonly Problem[]): string {
  const more = problems.length - TOLD;
  const told = problems.slice(0, TOLD).map(problemText).join('; ');
  if (more <= 0) return told;
  const others = `${problems.length < MAX_PROBLEMS ? more : `${more} or more`} other ${more === 1 ? 'problem' : 'problems'}`;
  return `${told}; and ${others}`;
}

/** How many problems a message tells. */
const TOLD = 3;

const MISSING = 'nothing';
const UNKNOWN = 'an unknown field';

/**
 * The errors of Ajv, which has to be `verbose`, in words, at most {@link MAX_PROBLEMS}.
 *
 * @param value the value that was checked, to tell items from fields
 * @param name what the value is called
 * @param given the value of which it is the view: its large integers are shown
 */
export function problemsOf(
  errors: readonly ErrorObject[],
  schema: Schema,
  value: unknown,
  name: string,
  given = value,
): Problem[] {
  // What is wrong with a name is told as one problem of its object.
  const told = withoutBranches(errors).filter(({ propertyName }) => propertyName === undefined);
  return told.slice(0, MAX_PROBLEMS).map((error) => problemOf(error, schema, value, name, given));
}

function problemOf(error: ErrorObject, schema: Schema, value: unknown, name: string, given: unknown): Problem {
  const { instancePath, keyword, params, parentSchema = {}, data } = error;
  const path = placeOf(instancePath, value, name);
  const properties = isObject(parentSchema['properties']) ? parentSchema['properties'] : {};
  const missing: unknown = params['missingProperty'];
  if (typeof missing === 'string') {
    return { path: path + step(missing), expected: acceptedAt(properties[missing], schema), got: MISSING };
  }
  const unknown: unknown = params['additionalProperty'] ?? params['unevaluatedProperty'];
  if (typeof unknown === 'string') {
    const known = Object.keys(properties);
    return {
      path: path + step(unknown),
      expected: known.length === 0 ? 'no field' : shortened(`one of the fields ${known.join(', ')}`, MAX_EXPECTED),
      got: UNKNOWN,
      ...nearestOf(unknown, known),
    };
  }
  if (keyword === 'propertyNames') {
    const field = String(params['propertyName']);
    return { path: path + step(field), expected: 'a name that its "propertyNames" accepts', got: gotText(field) };
  }
  const expected = shortened(isSimple(error) ? acceptedBy(parentSchema) : otherwiseAccepted(error), MAX_EXPECTED);
  if (isBytesView(data)) return { path, expected, got: data.description ?? 'bytes' };
  if (isSecret(path, error)) return { path, expected, got: kindOf(data) };
  const values = Array.isArray(parentSchema['enum']) ? parentSchema['enum'].filter(isText) : [];
  return {
    path,
    expected,
    got: gotText(asGiven(data, instancePath, given)),
    ...(isText(data) ? nearestOf(data, values) : {}),
  };
}

/** The longest text of what is expected, in characters: a list of values may be long. */
const MAX_EXPECTED = 400;

function nearestOf(name: string, known: readonly string[]): { nearest?: string } {
  const nearest = nearestName(name, known);
  return nearest === undefined ? {} : { nearest };
}

function acceptedAt(property: unknown, schema: Schema): string {
  const reference = isObject(property) ? property['$ref'] : undefined;
  const found = typeof reference === 'string' ? lookUpReference(reference, schema) : property;
  const isTold = isObject(found) && ['type', 'const', 'enum', 'anyOf', 'oneOf'].some((keyword) => keyword in found);
  return isTold ? shortened(acceptedBy(found), MAX_EXPECTED) : 'a value';
}

/** What the keywords accept of which a few words about the schema do not say it. */
function otherwiseAccepted({ keyword, params, schema }: ErrorObject): string {
  switch (keyword) {
    case BYTES_KEYWORD:
      return 'bytes, or a string of base64';
    case 'multipleOf':
      return `a multiple of ${String(params['multipleOf'])}`;
    case 'uniqueItems':
      return 'a list without equal items';
    case 'contains':
      return `a list with at least ${String(params['minContains'])} of the items that "contains" describes`;
    case 'minProperties':
      return `an object with at least ${String(params['limit'])} fields`;
    case 'maxProperties':
      return `an object with at most ${String(params['limit'])} fields`;
    case 'items':
    case 'additionalItems':
    case 'unevaluatedItems':
      return `a list of at most ${String(params['limit'] ?? params['len'])} items`;
    case 'anyOf':
    case 'oneOf':
      return `a value that fits ${keyword === 'anyOf' ? 'one' : 'exactly one'} of ${(schema as readonly unknown[]).length} schemas`;
    case 'not':
      return 'a value that does not fit the schema in its "not"';
    case 'false schema':
      return 'no value';
    default:
      return `a value that fits its "${keyword}"`;
  }
}

/** What Ajv found at a place of a view, as it was given if that was a bigint that no number holds. */
export function asGiven(data: unknown, pointer: string, given: unknown): unknown {
  if (typeof data !== 'number' || Number.isSafeInteger(data)) return data;
  let found = given;
  for (const key of keysOf(pointer)) {
    if (typeof found !== 'object' || found === null) return data;
    found = (found as Readonly<Record<string, unknown>>)[key];
  }
  return typeof found === 'bigint' ? found : data;
}

function keysOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** `input.files[3].name`, of `/files/3/name`. */
function placeOf(pointer: string, value: unknown, name: string): string {
  let place = name;
  let found = value;
  for (const key of keysOf(pointer)) {
    place += Array.isArray(found) ? `[${key}]` : step(key);
    found = (found as Readonly<Record<string, unknown>> | undefined)?.[key];
  }
  return shortened(place, MAX_PLACE);
}

function step(key: string): string {
  return /^[\p{ID_Start}_$][\p{ID_Continue}$]{0,99}$/u.test(key)
    ? `.${key}`
    : `[${JSON.stringify(shortened(key, 100))}]`;
}

/** The longest path that is told, in characters. */
const MAX_PLACE = 400;

function kindOf(value: unknown): string {
  if (typeof value === 'object') return gotText(value);
  return `a ${typeof value}, which is not shown`;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
