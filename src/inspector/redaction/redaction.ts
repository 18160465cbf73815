import { isBytes } from '../../json/exact-json.ts';
import { bytesText } from '../../text/memory-text.ts';
import { isSecretName } from '../../text/secret-names.ts';
import type { Json } from '../wire.ts';
import { SecretTexts, withoutFound } from './secret-texts.ts';
import { isSecretValue, REDACTED } from './secrets.ts';

/** The longest text that is shown, in characters; of a longer one this much is. */
const MAX_TEXT = 4_096;
/** How much of a text is looked through for secrets; what is beyond is not shown either. */
const MAX_LOOK = 65_536;
const MAX_DEPTH = 10;
/** How many values are shown of one thing, all in all. */
const MAX_VALUES = 2_000;
/** What stands in the place of a value that cannot be looked at. */
const UNREADABLE = '[unreadable]';

/** Under these names lie the variables of a process. They are not shown, whatever their names are. */
const ENVIRONMENT = new Set(['env', 'environ', 'environment', 'env_vars', 'envvars', 'hostenv', 'processenv']);

/** `scheme://user:password@` */
const URL_CREDENTIALS = /\b([a-z][a-z0-9+.-]{0,31}:\/\/)[^\s/?#"'<>]{1,1024}@/gi;
/** `Bearer abc…`, `Basic abc…` */
const BEARER = /\b(bearer|basic)\s{1,4}[\w.~+/=-]{6,}/gi;
/** What stands between a name and its value: `name=`, `name: `, `"name": `, also in JSON within JSON. */
const BETWEEN = /\\{0,3}["']?\s{0,3}[:=]\s{0,3}/g;
/** What of a name is looked at. */
const MAX_NAME = 64;
const OF_NAME = /[\w.-]/;
const VALUE = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\\{0,3}["']?[^\s"'&;,)}\]\\]+/y;
/** `--flag value` */
const FLAG = /(?<![\w-])(--?[A-Za-z][\w.-]{0,63})(\s{1,4})("[^"]*"|'[^']*'|[^\s"'-]\S*)/g;

/** How much of a value may still be shown, and the objects that the one looked at lies in. */
interface Walk {
  left: number;
  characters: number;
  /** What shows in no text of it beside what shows nowhere. */
  readonly own: SecretTexts | undefined;
  readonly above: Set<object>;
}

/**
 * Turns anything into plain JSON that tells no secrets: no values under secret-looking names, none of the secret values
 * it was told, no credentials in URLs, no values after secret-looking flags, no environment. What is long, deep or wide
 * is cut. A bigint shows as a text of its digits, bytes as how many they are, actors, channels and the like as their class. It never throws, and never calls what it is given.
 */
export class Redactor {
  readonly #secrets = new SecretTexts();
  /** Whether a secret could not be remembered. No text is shown from then on: it might be in it. */
  #isBlind = false;

  /** These values show nowhere from now on. */
  learn(secrets: Iterable<string>): void {
    try {
      for (const secret of secrets) this.#secrets.add(secret);
    } catch {
      this.#isBlind = true;
    }
  }

  /** A text without secrets, and of a long one the beginning. */
  text(text: string): string {
    return this.#beginning(text, undefined);
  }

  #beginning(text: string, own: SecretTexts | undefined): string {
    const shown = this.#clean(text, 0, MAX_LOOK, own);
    if (text.length <= MAX_LOOK && shown.length <= MAX_TEXT) return shown;
    return `${shown.slice(0, MAX_TEXT)}…`;
  }

  /** The same of the end of a text, as it matters in what a process has printed. */
  tail(text: string): string {
    const shown = this.#clean(text, Math.max(0, text.length - MAX_LOOK), text.length, undefined);
    return shown.length <= MAX_TEXT * 2 ? shown : `…${shown.slice(-MAX_TEXT * 2)}`;
  }

  /**
   * Anything as plain JSON without secrets.
   *
   * @param characters texts beyond so many characters in all are left out
   * @param secrets of this value alone: looked for before a text is cut, as a part of one would not be found
   */
  json(value: unknown, characters = Number.POSITIVE_INFINITY, secrets: readonly string[] = []): Json {
    try {
      const own = secrets.length === 0 ? undefined : SecretTexts.of(secrets);
      return this.#json(value, '', 0, { left: MAX_VALUES, characters, own, above: new Set() });
    } catch {
      return UNREADABLE;
    }
  }

  #json(value: unknown, name: string, depth: number, walk: Walk): Json {
    walk.left -= 1;
    if (isSecretValue(name, value)) return REDACTED;
    switch (typeof value) {
      case 'string': {
        if (walk.characters <= 0) return '…';
        const text = this.#beginning(value, walk.own);
        walk.characters -= text.length;
        return text;
      }
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
    if (isBytes(value)) return `[${bytesText(value.byteLength)}]`;
    if (walk.above.has(value)) return '[circular]';
    if (depth >= MAX_DEPTH || walk.left <= 0) return '…';
    walk.above.add(value);
    try {
      if (Array.isArray(value)) return this.#list(value, depth, walk);
      return this.#fields(value, depth, walk);
    } catch {
      // A proxy may refuse to be looked at.
      return UNREADABLE;
    } finally {
      walk.above.delete(value);
    }
  }

  #list(list: readonly unknown[], depth: number, walk: Walk): Json {
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

  #fields(value: object, depth: number, walk: Walk): Json {
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
      if (inner !== undefined) shown[this.#beginning(key, walk.own)] = this.#json(inner, key, depth + 1, walk);
    }
    return shown;
  }

  /** A part of a text. An error tells nothing of the text, and nor does what is shown then. */
  #clean(text: string, from: number, to: number, own: SecretTexts | undefined): string {
    if (this.#isBlind) return REDACTED;
    try {
      return withoutNamed(this.#withoutSecrets(text, from, to, own));
    } catch {
      return REDACTED;
    }
  }

  /** A secret may begin before the part or end after it, so that much more is looked at. */
  #withoutSecrets(text: string, from: number, to: number, own: SecretTexts | undefined): string {
    const longest = Math.max(this.#secrets.longest, own?.longest ?? 0);
    const start = Math.max(0, from - longest);
    const looked = text.slice(start, to + longest);
    const [found, foundOwn] = [this.#secrets.find(looked), own?.find(looked)];
    if (found !== undefined) foundOwn?.forEach((isFound, at) => isFound === 1 && (found[at] = 1));
    return withoutFound(text.slice(from, to), (found ?? foundOwn)?.subarray(from - start, to - start));
  }
}

/** A text without what its own words say is secret: after a name, a flag, in a URL. */
function withoutNamed(text: string): string {
  // Most texts are names, and have none of these.
  if (!/[:=\s]/.test(text)) return text;
  return withoutAssigned(text.replace(URL_CREDENTIALS, `$1${REDACTED}@`).replace(BEARER, `$1 ${REDACTED}`)).replace(
    FLAG,
    (all: string, flag: string, space: string) => (isSecretName(flag) ? `${flag}${space}${REDACTED}` : all),
  );
}

/** A text without the values of secret-looking names. Names may follow one another: `error: password=abc`. */
function withoutAssigned(text: string): string {
  let clean = '';
  let done = 0;
  for (const { 0: found, index } of text.matchAll(BETWEEN)) {
    const from = index + found.length;
    const name = nameBefore(text, index, done);
    if (!isSecretName(name) || text.startsWith(REDACTED, from)) continue;
    VALUE.lastIndex = from;
    const value = VALUE.exec(text)?.[0];
    if (value === undefined) continue;
    clean += `${text.slice(done, from)}${REDACTED}`;
    done = from + value.length;
  }
  return done === 0 ? text : clean + text.slice(done);
}

/**
 * The name that ends before this place and begins with a letter, not before `from`. Looked for backwards: the time is in
 * proportion to the text, where words are long too.
 */
function nameBefore(text: string, end: number, from: number): string {
  let start = end;
  while (start > from && end - start < MAX_NAME && OF_NAME.test(text[start - 1] as string)) start -= 1;
  return text.slice(start, end).replace(/^[^A-Za-z]+/, '');
}

function classOf(prototype: unknown): string {
  const own = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value as unknown;
  return typeof own === 'function' && own.name !== '' ? own.name : 'object';
}
