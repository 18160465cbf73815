// A plugin may replace it in its process, where this is loaded before the plugin.
const { parse } = JSON;

/** How a value in a JSON text is reached: names of fields and places in lists. Not to be kept: it changes as one reads on. */
export type JsonPath = readonly (string | number)[];

/** Something in a JSON text that `JSON.parse` would pass over in silence. */
export interface JsonFault {
  /** `repeated`: a name given twice. `reserved`: a name with a meaning of its own. `inexact`: a number that does not fit. */
  readonly kind: 'repeated' | 'reserved' | 'inexact';
  /** A dotted path; empty for the whole. */
  readonly field: string;
  readonly reason: string;
}

/** As many are told; a text with more has most likely one cause for all. */
const MAX_FAULTS = 20;

/**
 * What a text that people write says otherwise than `JSON.parse` reads it: names given twice, of which the last would
 * win; `__proto__`; and numbers that JavaScript would round. `text` must be valid JSON. `isText` is told of each number,
 * with its digits, and says whether it is used as it is written.
 */
export function jsonFaults(text: string, isText?: (path: JsonPath, digits: string) => boolean): JsonFault[] {
  const faults: JsonFault[] = [];
  const add = (kind: JsonFault['kind'], path: JsonPath, reason: string): void => {
    if (faults.length < MAX_FAULTS) faults.push({ kind, field: pathText(path), reason });
  };
  visitJson(text, {
    onName(path, again) {
      if (again) add('repeated', path, 'is given twice; keep one of the two');
      if (path.at(-1) === '__proto__')
        add('reserved', path, 'is a name with a meaning of its own in JavaScript; choose another');
    },
    onNumber(path, digits) {
      if (isText?.(path, digits) !== true && isInexact(digits)) add('inexact', path, inexactReason(digits));
    },
  });
  return faults;
}

/**
 * Whether a text that was read as this value surely has no {@link jsonFaults fault}, and no more than so many levels. To
 * read a text through takes ten times as long.
 */
export function isSurelySound(text: string, value: unknown, levels: number): boolean {
  // Of a name that is given twice one is lost, so that the text has more names than the value.
  return namesInText(text) === soundNamesIn(value, levels);
}

/** How many colons follow the end of a string, some in strings perhaps. */
function namesInText(text: string): number {
  let names = 0;
  for (let at = text.indexOf(':'); at !== -1; at = text.indexOf(':', at + 1)) {
    let before = at - 1;
    while (before >= 0 && text.charCodeAt(before) <= 0x20) before -= 1;
    if (text[before] === '"') names += 1;
  }
  return names;
}

/** How many names a value has at all levels; NaN where one is reserved, a number does not fit, or there are more levels. */
function soundNamesIn(value: unknown, levels: number): number {
  if (typeof value === 'number')
    return Number.isFinite(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER ? 0 : Number.NaN;
  if (typeof value !== 'object' || value === null) return 0;
  if (levels === 0) return Number.NaN;
  let names = 0;
  if (Array.isArray(value)) for (const item of value) names += soundNamesIn(item, levels - 1);
  else
    for (const name in value) {
      if (name === '__proto__') return Number.NaN;
      names += 1 + soundNamesIn((value as Readonly<Record<string, unknown>>)[name], levels - 1);
    }
  return names;
}

/** Tells of each number of a valid JSON text, with its path and its digits. */
export function visitNumbers(text: string, onNumber: (path: JsonPath, digits: string) => void): void {
  visitJson(text, { onNumber });
}

/** A JSON text with the numbers that JavaScript would round as texts of their digits. */
export function quoteInexact(text: string): string {
  let quoted = '';
  let done = 0;
  visitJson(text, {
    onNumber(_path, digits, start) {
      if (!isInexact(digits)) return;
      quoted += `${text.slice(done, start)}"${digits}"`;
      done = start + digits.length;
    },
  });
  return quoted + text.slice(done);
}

/** What is wrong with a number that JavaScript would round, and what to write instead. */
function inexactReason(digits: string): string {
  const shown = digits.length > 40 ? `${digits.slice(0, 40)}…` : digits;
  return `is ${shown}, which a number in JavaScript cannot hold exactly; give it as a text, in quotes`;
}

/** Integers beyond ±(2^53 − 1), and numbers that would become infinite. Fractions are the nearest double everywhere. */
function isInexact(digits: string): boolean {
  const value = Number(digits);
  return /^-?\d+$/.test(digits) ? !Number.isSafeInteger(value) : !Number.isFinite(value);
}

/** A path as messages show it: `tools[1].name`; empty for the whole. */
export function pathText(path: JsonPath): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    .join('')
    .replace(/^\./, '');
}

interface JsonVisitor {
  /** The name of a field, the last of the path; `again` where its object has had it before. */
  onName?(path: JsonPath, again: boolean): void;
  /** A number as it is written, from `start` on. */
  onNumber(path: JsonPath, digits: string, start: number): void;
}

const NUMBER = /-?\d[\d.eE+-]*/y;

/** Reads through a valid JSON text of any depth once. */
function visitJson(text: string, { onName, onNumber }: JsonVisitor): void {
  const path: (string | number)[] = [];
  /** For each value that is open, the names it has had; null for a list. */
  const open: (Set<string> | null)[] = [];
  let isName = false;
  for (let at = 0; at < text.length; at += 1) {
    switch (text[at]) {
      case '{':
      case '[':
        isName = text[at] === '{';
        open.push(isName ? new Set() : null);
        path.push(0);
        break;
      case '}':
      case ']':
        open.pop();
        path.pop();
        isName = false;
        break;
      case ',':
        isName = open.at(-1) !== null;
        if (!isName) path.push((path.pop() as number) + 1);
        break;
      case '"': {
        const end = endOfString(text, at);
        const names = open.at(-1);
        if (isName && names !== null && names !== undefined) {
          const name = parse(text.slice(at, end)) as string;
          path[path.length - 1] = name;
          onName?.(path, names.has(name));
          names.add(name);
          isName = false;
        }
        at = end - 1;
        break;
      }
      default: {
        NUMBER.lastIndex = at;
        const digits = NUMBER.exec(text)?.[0];
        if (digits === undefined) break;
        onNumber(path, digits, at);
        at += digits.length - 1;
      }
    }
  }
}

/** Where the string that begins at `start` is over. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text[end - 1 - slashes] === '\\') slashes += 1;
    if (slashes % 2 === 0) return end + 1;
  }
  return text.length;
}
