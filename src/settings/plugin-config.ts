import type { Ajv, ErrorObject, ValidateFunction } from 'ajv';
import { GreenroomError, type GreenroomErrorOptions, messageOf } from '../errors.ts';
import { writeJson } from '../json/exact-json.ts';
import { isDeeperThan, MAX_LEVELS } from '../json/json-depth.ts';
import { lookUpReference } from '../json/json-pointer.ts';
import { jsonView } from '../json/json-view.ts';
import { readJson } from '../json/read-json.ts';
import { makeAjv } from '../json-schema/ajv.ts';
import { isSecret, isSimple, withoutBranches } from '../json-schema/ajv-errors.ts';
import { schemaProblem } from '../json-schema/compile.ts';
import { asGiven } from '../json-schema/problems.ts';
import { isObject, type Schema } from '../json-schema/schema.ts';
import { shortageIn } from '../system-error.ts';
import { acceptedText, expectedText } from '../text/expected.ts';
import { nearestName } from '../text/nearest-name.ts';
import { sentence } from '../text/sentence.ts';
import { isOverTime, withinTime } from '../time/time-limit.ts';

/** How long the check of a config may hold the event loop, in milliseconds. It takes one or two. */
const MAX_CHECK_MS = 500;

/**
 * A config as it is now, as the plain data that a plugin gets of it: what its giver changes later changes nothing. Throws
 * `E_SERIALIZE` where JSON would change or lose something.
 */
export function copyConfig(config: unknown, plugin: string): unknown {
  try {
    const json = writeJson(config, 'config');
    return json === undefined ? undefined : readJson(json);
  } catch (error) {
    throw new GreenroomError('E_SERIALIZE', `The config of "${plugin}" cannot be sent as JSON: ${messageOf(error)}.`, {
      plugin,
      cause: error,
    });
  }
}

/**
 * Completes a config with the defaults of its schema and checks it. Given keys replace the defaults of the same keys as
 * a whole; they are not merged into them. Without a schema the given config, or `{}`, is taken as it is. Rejects with
 * `E_CONFIG` that names every place where the config does not fit, or says why it cannot be checked.
 */
export async function resolveConfig(schema: unknown, given: unknown, plugin: string): Promise<unknown> {
  const refuse = (reason: string, rest: GreenroomErrorOptions<'E_CONFIG'> = {}): never => {
    throw new GreenroomError('E_CONFIG', reason, { plugin, ...rest });
  };
  if (isDeeperThan(MAX_LEVELS, given))
    refuse(`The config of "${plugin}" is nested more than ${MAX_LEVELS} levels deep.`);
  if (!isObject(schema)) return given ?? {};
  if (isDeeperThan(MAX_LEVELS, schema))
    refuse(`The config schema of "${plugin}" is nested more than ${MAX_LEVELS} levels deep.`);
  let validate: ValidateFunction;
  try {
    validate = validatorOf(schema, plugin);
  } catch (cause) {
    const shortage = shortageIn(cause);
    if (shortage === undefined) throw cause;
    return refuse(`The config of "${plugin}" cannot be checked now: ${shortage}. Try again.`, { cause });
  }
  const check = (): { readonly config: unknown; readonly problems: readonly string[] } => {
    const defaults = defaultsOf(schema, schema, new Map());
    const config = isObject(given) && isObject(defaults) ? { ...defaults, ...given } : (given ?? defaults ?? {});
    return {
      config,
      problems: validate(jsonView(config))
        ? []
        : withoutBranches(validate.errors ?? []).map((error) => describe(error, config)),
    };
  };
  let checked: ReturnType<typeof check>;
  try {
    checked = inTime(check);
  } catch (cause) {
    const shortage = shortageIn(cause);
    if (shortage !== undefined)
      return refuse(`The config of "${plugin}" cannot be checked now: ${shortage}. Try again.`, { cause });
    const reason = isOverTime(cause)
      ? `took more than ${MAX_CHECK_MS} ms. Look in its schema for a "pattern" that backtracks, or for branches that refer to one another`
      : `failed: ${messageOf(cause)}. Look in its schema for a "$ref" that leads to itself`;
    return refuse(`The config of "${plugin}" cannot be accepted: checking it ${reason}.`, { cause });
  }
  const { config, problems } = checked;
  if (problems.length === 0) return config;
  return refuse(sentence(`The config of "${plugin}" does not fit its schema: ${problems.join('; ')}`), {
    details: { problems },
  });
}

/** A schema is a plugin's, and no plugin may keep its host from the others. */
function inTime<T>(check: () => T): T {
  try {
    return withinTime(MAX_CHECK_MS, check);
  } catch (error) {
    if (!isOverTime(error)) throw error;
    // The time may have been that of a machine that was asleep.
    return withinTime(MAX_CHECK_MS, check);
  }
}

/**
 * The value that a schema gives by itself: its `default`, else an object of the defaults of its properties, at any
 * depth. Ajv fills in defaults only where the object around them is there, so it cannot be asked.
 *
 * @param known what the parts give that were asked before; one that is still being asked gives nothing to itself
 */
function defaultsOf(schema: unknown, root: Schema, known: Map<Schema, unknown>): unknown {
  if (!isObject(schema)) return undefined;
  if (known.has(schema)) return known.get(schema);
  known.set(schema, undefined);
  const found = defaultOf(schema, root, known);
  known.set(schema, found);
  return found;
}

function defaultOf(schema: Schema, root: Schema, known: Map<Schema, unknown>): unknown {
  if ('default' in schema) return structuredClone(schema['default']);
  if (typeof schema['$ref'] === 'string') return defaultsOf(lookUpReference(schema['$ref'], root), root, known);
  // Not yet an object, of which a field named __proto__ would be the prototype.
  const found = new Map<string, unknown>();
  const parts = Array.isArray(schema['allOf']) ? schema['allOf'] : [];
  for (const part of parts) {
    const values = defaultsOf(part, root, known);
    if (isObject(values)) for (const [name, value] of Object.entries(values)) found.set(name, value);
  }
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  for (const [name, property] of Object.entries(properties)) {
    const value = defaultsOf(property, root, known);
    if (value !== undefined) found.set(name, value);
  }
  return found.size > 0 ? Object.fromEntries(found) : undefined;
}

/** How many schemas' validators are kept. One takes some ten kilobytes, and a millisecond or more to make. */
const MAX_VALIDATORS = 200;

/** By the schema's text, as a worker that tells its schema tells it anew at every start. */
const validators = new Map<string, ValidateFunction>();
let ajv: Ajv | undefined;

function validatorOf(schema: Schema, plugin: string): ValidateFunction {
  // An older dialect's name would be looked up as a schema; what plugins use of it means the same in this one.
  const { $schema: _dialect, $id: _id, ...body } = jsonView(schema) as Schema;
  const text = JSON.stringify(body);
  const known = validators.get(text);
  if (known !== undefined) return known;
  if (validators.size >= MAX_VALIDATORS) {
    validators.clear();
    // It never forgets what it has compiled.
    ajv = undefined;
  }
  ajv ??= makeAjv('2020-12', { allErrors: true, verbose: true });
  try {
    const validate = ajv.compile(body);
    validators.set(text, validate);
    return validate;
  } catch (error) {
    const fault = shortageIn(error) === undefined ? schemaProblem(schema) : undefined;
    const why = fault?.replace(/^It is not valid JSON Schema \(.*?\): /, '') ?? messageOf(error);
    throw new GreenroomError('E_CONFIG', `The config schema of "${plugin}" is not a valid JSON Schema: ${why}`, {
      plugin,
      cause: error,
    });
  }
}

function describe(error: ErrorObject, config: unknown): string {
  const { instancePath, keyword, message, params, parentSchema = {}, data } = error;
  const path = instancePath.slice(1).replaceAll('/', '.');
  const at = path === '' ? '' : `${path}: `;
  if (keyword === 'additionalProperties') {
    const known = Object.keys(isObject(parentSchema['properties']) ? parentSchema['properties'] : {});
    const name = String(params['additionalProperty']);
    const near = nearestName(name, known);
    const meant = near === undefined ? '' : `; did you mean "${near}"?`;
    return `${at}unknown setting "${name}"${known.length === 0 ? '' : `; known: ${known.join(', ')}`}${meant}`;
  }
  if (keyword === 'required') return `${at}missing setting "${String(params['missingProperty'])}"`;
  if (isSimple(error)) {
    return `${at}${isSecret(path, error) ? acceptedText(parentSchema) : expectedText(parentSchema, asGiven(data, instancePath, config))}`;
  }
  return `${path === '' ? 'the config' : path} ${message}`;
}
