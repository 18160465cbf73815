import type { ConfigPath } from './finding.ts';

/** A name with its value, which is a string, a number or a boolean. */
type Macro = readonly [name: string, value: unknown];

/** A configuration as it was parsed, which may hold anything. */
type Values = Readonly<Record<string, unknown>>;

/** Throws for what is wrong at a path. */
export type Refuse = (path: ConfigPath, reason: string) => never;

/** Set by llama-swap itself, at a start or at the end of a model. */
const RESERVED = ['PORT', 'PID', 'MODEL_ID'];

/**
 * Replaces the macros of a configuration as llama-swap does: those of a model count before global ones; a later macro
 * may use earlier ones; a value that is a macro alone gets the macro's type. `${PORT}` stays everywhere, and `${PID}` in
 * `cmdStop`, as both are known at a start only.
 */
export function replaceMacros(config: Values, refuse: Refuse): Values {
  const global = macrosIn(config['macros'], ['macros'], refuse);
  const { models, ...others } = config;
  const replaced: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(others)) {
    replaced[key] = key === 'macros' ? value : checked(replaceIn(value, global), [key], refuse);
  }
  if (!isObject(models)) return models === undefined ? replaced : { ...replaced, models };
  const entries = Object.entries(models).map(([id, model]) => [id, modelWith(id, model, global, refuse)]);
  return { ...replaced, models: Object.fromEntries(entries) as unknown };
}

/** A command without the lines that are comments, whose macros do not count. */
export function withoutComments(command: string): string {
  const lines = command.split('\n').filter((line) => !line.trimStart().startsWith('#'));
  return lines.join('\n');
}

function modelWith(id: string, model: unknown, global: readonly Macro[], refuse: Refuse): unknown {
  if (!isObject(model)) return model;
  const path = ['models', id];
  const { macros: given, ...fields } = model;
  const own = new Map<string, unknown>([['MODEL_ID', id], ...global]);
  for (const [name, value] of macrosIn(given, [...path, 'macros'], refuse)) own.set(name, value);
  for (const command of ['cmd', 'cmdStop']) {
    const text = fields[command];
    if (typeof text === 'string') fields[command] = withoutComments(text);
  }
  const replaced = replaceIn(fields, [...own]) as Record<string, unknown>;
  for (const [key, value] of Object.entries(replaced)) checked(value, [...path, key], refuse);
  return given === undefined ? replaced : { ...replaced, macros: given };
}

function macrosIn(given: unknown, path: ConfigPath, refuse: Refuse): Macro[] {
  if (given === undefined || given === null) return [];
  if (!isObject(given)) return refuse(path, 'expected names with values');
  for (const [name, value] of Object.entries(given)) {
    const at = [...path, name];
    if (!/^[\w-]{1,63}$/.test(name)) refuse(at, 'a macro has a name of at most 63 letters, digits, "_" and "-"');
    if (RESERVED.includes(name)) refuse(at, 'llama-swap sets this macro itself; choose another name');
    if (!['string', 'number', 'boolean'].includes(typeof value)) refuse(at, 'expected a string, a number or a boolean');
    if (typeof value === 'string' && value.includes(`\${${name}}`)) refuse(at, 'the macro contains itself');
  }
  return Object.entries(given);
}

/** The last macro first, so that what it brings is replaced as well. */
function replaceIn(value: unknown, macros: readonly Macro[]): unknown {
  return macros.reduceRight<unknown>((text, macro) => replaceOne(text, macro), value);
}

function replaceOne(value: unknown, macro: Macro): unknown {
  const [name, text] = macro;
  const reference = `\${${name}}`;
  if (typeof value === 'string') return value === reference ? text : value.replaceAll(reference, () => String(text));
  if (Array.isArray(value)) return value.map((each) => replaceOne(each, macro));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([key, each]) => [
    // Of llama-swap's keys only those of setParamsByID may have macros; the others are never written with one.
    key.replaceAll(reference, () => String(text)),
    replaceOne(each, macro),
  ]);
  return Object.fromEntries(entries) as unknown;
}

/** Refuses macros that are left. */
function checked(value: unknown, path: ConfigPath, refuse: Refuse): unknown {
  if (typeof value === 'string') {
    for (const [reference, name] of value.matchAll(/\$\{([\w-]+)\}/g)) {
      const isLate = path[0] === 'models' && (name === 'PORT' || (name === 'PID' && path[2] === 'cmdStop'));
      if (!isLate) refuse(path, `unknown macro ${reference}. Add it to "macros".`);
    }
  } else if (Array.isArray(value)) {
    for (const [index, each] of value.entries()) checked(each, [...path, index], refuse);
  } else if (isObject(value)) {
    for (const [key, each] of Object.entries(value)) {
      checked(key, [...path, key], refuse);
      checked(each, [...path, key], refuse);
    }
  }
  return value;
}

/** Whether something is an object with keys. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
