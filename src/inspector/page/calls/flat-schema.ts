import type { Json, JsonObject } from '../../wire.ts';

/** A field of a form. */
export interface FormField {
  readonly name: string;
  readonly kind: 'text' | 'number' | 'flag' | 'choice';
  readonly isRequired: boolean;
  readonly isSecret: boolean;
  readonly description: string | undefined;
  /** Of a `choice`: the values, as JSON. */
  readonly choices: readonly string[];
}

/** What a schema says that a form cannot. */
const BEYOND = ['$ref', 'allOf', 'anyOf', 'oneOf', 'not', 'if', 'patternProperties', 'dependentSchemas'];

/** The fields of an object schema whose properties are all texts, numbers, flags or choices; undefined of any other. */
export function flatFields(schema: JsonObject | undefined): readonly FormField[] | undefined {
  if (schema === undefined || BEYOND.some((key) => key in schema)) return undefined;
  const { properties, required } = schema;
  if (!isObject(properties)) return undefined;
  const names = Array.isArray(required) ? (required as readonly Json[]) : [];
  const fields = Object.entries(properties).map(([name, property]) => fieldOf(name, property, names.includes(name)));
  return fields.length > 0 && fields.every((field) => field !== undefined) ? fields : undefined;
}

function fieldOf(name: string, property: Json, isRequired: boolean): FormField | undefined {
  if (!isObject(property) || BEYOND.some((key) => key in property)) return undefined;
  const { type, enum: values, description, format, writeOnly } = property;
  const choices = Array.isArray(values) ? (values as readonly Json[]).map((value) => JSON.stringify(value)) : [];
  const kind = choices.length > 0 ? 'choice' : kindOf(type);
  if (kind === undefined) return undefined;
  const isSecret = writeOnly === true || format === 'password';
  return {
    name,
    kind,
    isRequired,
    isSecret,
    choices,
    description: typeof description === 'string' ? description : undefined,
  };
}

function kindOf(type: Json | undefined): FormField['kind'] | undefined {
  switch (type) {
    case 'string':
      return 'text';
    case 'number':
    case 'integer':
      return 'number';
    case 'boolean':
      return 'flag';
    default:
      return undefined;
  }
}

/** The input that was typed into a form; fields that were left empty are not in it. Throws, for people, for what is no number. */
export function inputOf(fields: readonly FormField[], typed: Readonly<Record<string, string>>): JsonObject {
  return Object.fromEntries(
    fields.flatMap(({ name, kind }): [string, Json][] => {
      const text = typed[name] ?? '';
      if (text === '') return [];
      if (kind === 'text') return [[name, text]];
      if (kind !== 'number') return [[name, JSON.parse(text) as Json]];
      const number = Number(text);
      if (!Number.isFinite(number)) throw new Error(`${name}: expected a number, got ${JSON.stringify(text)}.`);
      return [[name, number]];
    }),
  );
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
