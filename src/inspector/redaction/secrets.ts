import { isBytes } from '../../json/exact-json.ts';
import { lookUpReference } from '../../json/json-pointer.ts';
import type { Manifest } from '../../manifest/schema.ts';
import { isAmountName, isSecretName } from '../../text/secret-names.ts';

/** Shorter ones are not looked for in texts: they would be found everywhere. Where they are declared they do not show. */
export const SHORTEST_SECRET = 4;

/** The working directories of shells, whose names look like those of passwords. */
const FOLDER_VARIABLES = new Set(['PWD', 'OLDPWD']);

/** The values of variables with secret-looking names: the host's own may turn up in what a worker prints. */
export function secretsOfVariables(variables: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(variables)
    .filter(([name, value]) => {
      return typeof value === 'string' && isLong(value) && isSecretName(name) && !FOLDER_VARIABLES.has(name);
    })
    .map(([, value]) => value as string);
}

/** The secret values that a manifest declares: in its variables, its arguments and the defaults of its config. */
export function secretsOfManifest(manifest: Manifest): string[] {
  const { env_vars: variables = {}, args = [], config_schema: schema } = manifest;
  const found = [...secretsOfVariables(variables), ...secretsOfArguments(args)];
  if (schema !== undefined) collectDefaults(schema, schema, found);
  return found;
}

function secretsOfArguments(args: readonly string[]): string[] {
  const found: string[] = [];
  for (const [index, arg] of args.entries()) {
    const [flag = '', ...rest] = arg.split('=');
    if (!flag.startsWith('-') || !isSecretName(flag)) continue;
    const value = rest.length > 0 ? rest.join('=') : args[index + 1];
    if (value !== undefined && isLong(value)) found.push(value);
  }
  return found;
}

/** What stands in the place of a secret. */
export const REDACTED = '[redacted]';

type Schema = Readonly<Record<string, unknown>>;

/** A config without what its schema or its names declare secret, and the secret values that were in it. */
export function concealConfig(config: unknown, schema: Schema | undefined): { config: unknown; secrets: string[] } {
  const secrets: string[] = [];
  return { config: conceal(config, schema, schema ?? {}, secrets, 0), secrets };
}

/** Deeper than this nothing is shown of a config, and no schema is followed: it may refer to itself. */
const MAX_DEPTH = 32;

function conceal(
  value: unknown,
  schema: Schema | undefined,
  root: Schema,
  secrets: string[],
  depth: number,
  name = '',
): unknown {
  if (depth > MAX_DEPTH) return REDACTED;
  const parts = schema === undefined ? [] : partsOf(schema, root);
  if (parts.some(isDeclaredSecret) || isSecretValue(name, value)) {
    collectTexts(value, secrets);
    return REDACTED;
  }
  if (Array.isArray(value)) {
    const items = parts.map(({ items }) => items).find(isSchema);
    return value.map((item) => conceal(item, items, root, secrets, depth + 1));
  }
  if (typeof value !== 'object' || value === null || isBytes(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const own = parts.map((part) => propertyOf(part, key)).find(isSchema);
      return [key, conceal(inner, own, root, secrets, depth + 1, key)];
    }),
  );
}

/** Whether this value under this name does not show: flags and nothings tell nothing. */
export function isSecretValue(name: string, value: unknown): boolean {
  if (value === null || value === undefined || value === '' || typeof value === 'boolean') return false;
  if (!isSecretName(name)) return false;
  return !((typeof value === 'number' || typeof value === 'bigint') && isAmountName(name));
}

function isDeclaredSecret({ writeOnly, format }: Schema): boolean {
  return writeOnly === true || format === 'password';
}

/** A schema with those that it refers to and is put together from. */
function partsOf(schema: Schema, root: Schema): Schema[] {
  const parts = new Set<Schema>([schema]);
  // A set's iteration also visits what is added meanwhile, and nothing twice.
  for (const part of parts) {
    const target = typeof part['$ref'] === 'string' ? lookUpReference(part['$ref'], root) : undefined;
    const together = [part['allOf'], part['anyOf'], part['oneOf']].flat();
    for (const each of [target, ...together]) if (isSchema(each)) parts.add(each);
  }
  return [...parts];
}

function propertyOf({ properties, additionalProperties }: Schema, key: string): unknown {
  return isSchema(properties) && Object.hasOwn(properties, key) ? properties[key] : additionalProperties;
}

function collectDefaults(node: Schema, root: Schema, secrets: string[], name = '', depth = 0): void {
  if (depth > MAX_DEPTH) return;
  const isSecret = isSecretName(name) || partsOf(node, root).some(isDeclaredSecret);
  if (isSecret) for (const given of [node['default'], node['const'], node['examples']]) collectTexts(given, secrets);
  else secrets.push(...concealConfig(node['default'], node).secrets);
  for (const [key, inner] of Object.entries(isSchema(node['properties']) ? node['properties'] : {})) {
    if (isSchema(inner)) collectDefaults(inner, root, secrets, key, depth + 1);
  }
}

function collectTexts(value: unknown, secrets: string[], depth = 0): void {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') {
    if (isLong(String(value))) secrets.push(String(value));
  } else if (typeof value === 'object' && value !== null && depth <= MAX_DEPTH) {
    for (const inner of Object.values(value)) collectTexts(inner, secrets, depth + 1);
  }
}

const isLong = (text: string): boolean => text.length >= SHORTEST_SECRET;
const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
