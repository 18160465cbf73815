import { isSecretName, isSecretValue, REDACTED } from './secrets.ts';
import type { Json } from './wire.ts';

/** The longest text that is shown, in characters; of a longer one this much is. */
const MAX_TEXT = 4_096;
/** How much of a text is looked through for secrets; what is beyond is not shown either. */
const MAX_LOOK = 65_536;
const MAX_DEPTH = 10;
/** How many values are shown of one thing, all in all. */
const MAX_VALUES = 2_000;
/** How many secrets are remembered; beyond that the oldest are forgotten. */
const MAX_SECRETS = 5_000;

/** Under these names lie the variables of a process. They are not shown, whatever their names are. */
const ENVIRONMENT = new Set(['env', 'environ', 'environment', 'env_vars', 'envvars', 'hostenv', 'processenv']);

/** `scheme://user:password@` */
const URL_CREDENTIALS = /\b([a-z][a-z0-9+.-]{0,31}:\/\/)[^\s/?#"'<>]{1,1024}@/gi;
/** `Bearer abc…`, `Basic abc…` */
const BEARER = /\b(bearer|basic)\s{1,4}[\w.~+/=-]{6,}/gi;
/** A name and what stands between it and its value: `name=`, `name: `, `"name": `, also in JSON within JSON. */
const NAMED = /([A-Za-z][\w.-]{0,63})\\{0,3}["']?\s{0,3}[:=]\s{0,3}/g;
const VALUE = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\\{0,3}["']?[^\s"'&;,)}\]\\]+/y;
/** `--flag value` */
const FLAG = /(?<![\w-])(--?[A-Za-z][\w.-]{0,63})(\s{1,4})("[^"]*"|'[^']*'|[^\s"'-]\S*)/g;

/**
 * Turns anything into plain JSON that tells no secrets: no values under secret-looking names, none of the secret values
 * it was told, no credentials in URLs, no values after secret-looking flags, no environment. What is long, deep or wide
 * is cut. Actors, channels and the like show as their class. It never throws, and never calls what it is given.
 */
export class Redactor {
  readonly #secrets = new Set<string>();
  #pattern: RegExp | undefined;

  /** These values show nowhere from now on. */
  learn(secrets: Iterable<string>): void {
    for (const secret of secrets) {
      // As it is, as it stands in a URL, and as it stands in JSON.
      for (const form of [secret, encoded(secret), JSON.stringify(secret).slice(1, -1)]) {
        if (this.#secrets.has(form)) continue;
        this.#secrets.add(form);
        this.#pattern = undefined;
      }
    }
    for (const oldest of this.#secrets) {
      if (this.#secrets.size <= MAX_SECRETS) break;
      this.#secrets.delete(oldest);
    }
  }

  /** A text without secrets, and of a long one the beginning. */
  text(text: string): string {
    const clean = this.#clean(text.slice(0, MAX_LOOK));
    if (text.length <= MAX_LOOK && clean.length <= MAX_TEXT) return clean;
    return `${clean.slice(0, MAX_TEXT)}…`;
  }

  /** The same of the end of a text, as it matters in what a process has printed. */
  tail(text: string): string {
    const clean = this.#clean(text.slice(-MAX_LOOK));
    return clean.length <= MAX_TEXT * 2 ? clean : `…${clean.slice(-MAX_TEXT * 2)}`;
  }

  /** Anything as plain JSON without secrets. */
  json(value: unknown): Json {
    return this.#json(value, '', 0, { left: MAX_VALUES, above: new Set() });
  }

  #json(value: unknown, name: string, depth: number, walk: { left: number; above: Set<object> }): Json {
    walk.left -= 1;
    if (isSecretValue(name, value)) return REDACTED;
    switch (typeof value) {
      case 'string':
        return this.text(value);
      case 'number':
        return Number.isFinite(value) ? value : null;
      case 'boolean':
        return value;
      case 'bigint':
        return String(value);
      case 'function':
      case 'symbol':
        return `[${typeof value}]`;
      case 'undefined':
        return null;
      case 'object':
        break;
    }
    if (value === null) return null;
    if (ENVIRONMENT.has(name.toLowerCase())) return '[environment]';
    if (walk.above.has(value)) return '[circular]';
    if (depth >= MAX_DEPTH || walk.left <= 0) return '…';
    walk.above.add(value);
    try {
      if (Array.isArray(value)) return this.#list(value, depth, walk);
      return this.#fields(value, depth, walk);
    } catch {
      // A proxy may refuse to be looked at.
      return '[unreadable]';
    } finally {
      walk.above.delete(value);
    }
  }

  #list(list: readonly unknown[], depth: number, walk: { left: number; above: Set<object> }): Json {
    const shown: Json[] = [];
    let flag = '';
    for (const item of list) {
      if (walk.left <= 0) {
        shown.push('…');
        break;
      }
      // The value of `--api-key` may be the next argument.
      const isValue = flag !== '' && typeof item === 'string' && !item.startsWith('-');
      shown.push(isValue ? REDACTED : this.#json(item, '', depth + 1, walk));
      flag = typeof item === 'string' && /^--?[A-Za-z][^=]*$/.test(item) && isSecretName(item) ? item : '';
    }
    return shown;
  }

  #fields(value: object, depth: number, walk: { left: number; above: Set<object> }): Json {
    const shown: Record<string, Json> = {};
    const prototype: unknown = Object.getPrototypeOf(value);
    const isError = value instanceof Error;
    if (!isError && prototype !== Object.prototype && prototype !== null) return `[${classOf(prototype)}]`;
    const keys = isError ? ['name', 'code', 'message', 'plugin', 'details', 'remote', 'cause'] : Object.keys(value);
    for (const key of keys) {
      if (walk.left <= 0) {
        shown['…'] = '…';
        break;
      }
      const own = Object.getOwnPropertyDescriptor(value, key);
      // A getter would run code that is not ours.
      const inner: unknown = own === undefined ? undefined : 'value' in own ? own.value : '[computed]';
      if (inner !== undefined) shown[this.text(key)] = this.#json(inner, key, depth + 1, walk);
    }
    return shown;
  }

  #clean(text: string): string {
    let clean = text;
    const pattern = this.#secretPattern();
    if (pattern !== undefined) clean = clean.replace(pattern, REDACTED);
    // Most texts are names, and have none of these.
    if (!/[:=\s]/.test(clean)) return clean;
    return withoutAssigned(clean.replace(URL_CREDENTIALS, `$1${REDACTED}@`).replace(BEARER, `$1 ${REDACTED}`)).replace(
      FLAG,
      (all: string, flag: string, space: string) => (isSecretName(flag) ? `${flag}${space}${REDACTED}` : all),
    );
  }

  #secretPattern(): RegExp | undefined {
    if (this.#secrets.size === 0) return undefined;
    // The longest first, since one may begin with another.
    this.#pattern ??= new RegExp(
      [...this.#secrets]
        .toSorted((a, b) => b.length - a.length)
        .map((secret) => secret.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&'))
        .join('|'),
      'g',
    );
    return this.#pattern;
  }
}

/** A text without the values of secret-looking names. Names may follow one another: `error: password=abc`. */
function withoutAssigned(text: string): string {
  let clean = '';
  let done = 0;
  for (const { 0: found, 1: name = '', index } of text.matchAll(NAMED)) {
    const from = index + found.length;
    if (index < done || !isSecretName(name) || text.startsWith(REDACTED, from)) continue;
    VALUE.lastIndex = from;
    const value = VALUE.exec(text)?.[0];
    if (value === undefined) continue;
    clean += `${text.slice(done, from)}${REDACTED}`;
    done = from + value.length;
  }
  return done === 0 ? text : clean + text.slice(done);
}

function encoded(secret: string): string {
  try {
    return encodeURIComponent(secret);
  } catch {
    // Half of a surrogate pair.
    return secret;
  }
}

function classOf(prototype: unknown): string {
  const own = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value as unknown;
  return typeof own === 'function' && own.name !== '' ? own.name : 'object';
}
