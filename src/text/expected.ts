import { nearestName } from './nearest-name.ts';
import { shown } from './shown.ts';

/** The parts of a JSON Schema that say in few words which values it accepts. */
interface Schema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
}

/** "expected a whole number of at least 1, got "2"": what a JSON Schema accepts, and the value that it refused. */
export function expectedText(schema: unknown, value: unknown): string {
  const near = isText(value) ? nearestName(value, textsOf(schema as Schema)) : undefined;
  const expected = acceptedText(schema);
  return value === undefined ? `missing; ${expected}` : `${expected}, got ${gotText(value)}${meant(near)}`;
}

/** "expected a whole number of at least 1": what a JSON Schema accepts. */
export function acceptedText(schema: unknown): string {
  return `expected ${acceptedBy(schema)}`;
}

/** A value that was refused, short: what is in a list or an object may be long, or secret. */
export function gotText(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : shown(value);
}

/** How many names are listed where none is near. */
const MAX_LISTED = 12;

/** "unknown field "modul"; did you mean "module"?", or "unknown option "shout"; known: config": a name that is unknown. */
export function unknownText(kind: string, name: string, known: Iterable<string>): string {
  const names = [...known];
  const near = nearestName(name, names);
  const listed = near === undefined && names.length > 0 && names.length <= MAX_LISTED;
  return `unknown ${kind} "${name}"${listed ? `; known: ${names.join(', ')}` : meant(near)}`;
}

/** The texts that it accepts, where it lists them. */
function textsOf({ const: only, enum: values = [only], anyOf, oneOf }: Schema): string[] {
  return (anyOf ?? oneOf)?.flatMap(textsOf) ?? values.filter(isText);
}

function meant(near: string | undefined): string {
  return near === undefined ? '' : `; did you mean "${near}"?`;
}

/** "a whole number of at least 1": what a JSON Schema accepts. */
export function acceptedBy(given: unknown): string {
  const schema = given as Schema;
  const { type, const: only, enum: values, anyOf, oneOf } = schema;
  if (only !== undefined) return JSON.stringify(only);
  if (values !== undefined) {
    return `${values.length === 1 ? '' : 'one of '}${values.map((value) => JSON.stringify(value)).join(', ')}`;
  }
  const options = anyOf ?? oneOf;
  if (options !== undefined) return options.map(acceptedBy).join(' or ');
  return (Array.isArray(type) ? type : [type]).map((each: unknown) => typeText(each, schema)).join(' or ');
}

function typeText(type: unknown, schema: Schema): string {
  switch (type) {
    case 'integer':
      return `a whole number${boundsText(schema, 1)}`;
    case 'number':
      return `a number${boundsText(schema, 0)}`;
    case 'string':
      return `a string${sizeText(schema.minLength, schema.maxLength, 'character')}${schema.pattern === undefined ? '' : ` that matches /${schema.pattern}/`}`;
    case 'boolean':
      return 'true or false';
    case 'array':
      return `a list${sizeText(schema.minItems, schema.maxItems, 'item')}`;
    case 'object':
      return 'an object';
    case 'null':
      return 'null';
    default:
      return 'another value';
  }
}

function sizeText(least: number | undefined, most: number | undefined, unit: string): string {
  const counted = (count: number): string => `${count} ${unit}${count === 1 ? '' : 's'}`;
  const bounds = [
    least !== undefined && least > 0 && `of at least ${counted(least)}`,
    most !== undefined && `of at most ${counted(most)}`,
  ].filter((bound) => bound !== false);
  return bounds.length === 0 ? '' : ` ${bounds.join(' and ')}`;
}

/** @param step the distance from one value to the next, by which a bound that does not count itself is moved */
function boundsText({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Schema, step: number): string {
  const whole = step > 0;
  const least = minimum ?? (whole && exclusiveMinimum !== undefined ? exclusiveMinimum + step : undefined);
  const most = maximum ?? (whole && exclusiveMaximum !== undefined ? exclusiveMaximum - step : undefined);
  const bounds = [
    least !== undefined && least > Number.MIN_SAFE_INTEGER && `of at least ${least}`,
    least === undefined && exclusiveMinimum !== undefined && `above ${exclusiveMinimum}`,
    most !== undefined && most < Number.MAX_SAFE_INTEGER && `of at most ${most}`,
    most === undefined && exclusiveMaximum !== undefined && `below ${exclusiveMaximum}`,
  ].filter((bound) => bound !== false);
  return bounds.length === 0 ? '' : ` ${bounds.join(' and ')}`;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
