const [QUOTE, BACKSLASH, COLON, COMMA] = [0x22, 0x5c, 0x3a, 0x2c];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST] = [0x7b, 0x7d, 0x5b, 0x5d];

/** The most fields that are told of: each takes memory, many times that of the few bytes which it may have. */
export const MAX_FIELDS = 10_000;

/** A field of an object in a JSON text, by its places in bytes. */
export interface ObjectField {
  readonly name: string;
  /** Where its name begins, quote included. */
  readonly start: number;
  /** Where its value begins, and the field and its value end. */
  readonly valueStart: number;
  readonly end: number;
}

/**
 * The fields of the outermost object of a JSON text, in order; undefined where the text is no object, or has
 * more than {@link MAX_FIELDS}. What lies deeper is
 * passed over, not checked, so that a text of many megabytes costs little, and no number of it is touched.
 */
export function objectFields(json: Buffer): ObjectField[] | undefined {
  let at = afterSpace(json, 0);
  if (json[at] !== OPEN_OBJECT) return undefined;
  const fields: ObjectField[] = [];
  at = afterSpace(json, at + 1);
  while (json[at] !== CLOSE_OBJECT || fields.length > 0) {
    const name = stringAt(json, at);
    if (name === undefined || fields.length === MAX_FIELDS) return undefined;
    const colon = afterSpace(json, name.end);
    if (json[colon] !== COLON) return undefined;
    const valueStart = afterSpace(json, colon + 1);
    const end = endOfValue(json, valueStart);
    if (end === undefined) return undefined;
    fields.push({ name: name.text, start: at, valueStart, end });
    at = afterSpace(json, end);
    if (json[at] === CLOSE_OBJECT) break;
    if (json[at] !== COMMA) return undefined;
    at = afterSpace(json, at + 1);
  }
  return afterSpace(json, at + 1) === json.length ? fields : undefined;
}

function stringAt(json: Buffer, start: number): { text: string; end: number } | undefined {
  const end = json[start] === QUOTE ? endOfString(json, start) : undefined;
  if (end === undefined) return undefined;
  try {
    return { text: JSON.parse(json.toString('utf8', start, end)) as string, end };
  } catch {
    return undefined;
  }
}

function endOfValue(json: Buffer, start: number): number | undefined {
  const first = json[start];
  if (first === QUOTE) return endOfString(json, start);
  if (first === OPEN_OBJECT || first === OPEN_LIST) return endOfNested(json, start);
  let at = start;
  // Numbers and names: letters, digits, signs and dots.
  while (isScalar(json[at])) at += 1;
  return at === start ? undefined : at;
}

function endOfNested(json: Buffer, start: number): number | undefined {
  let depth = 0;
  for (let at = start; at < json.length; at += 1) {
    const byte = json[at];
    if (byte === QUOTE) {
      const end = endOfString(json, at);
      if (end === undefined) return undefined;
      at = end - 1;
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) depth += 1;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return undefined;
}

function endOfString(json: Buffer, start: number): number | undefined {
  for (let end = json.indexOf(QUOTE, start + 1); end !== -1; end = json.indexOf(QUOTE, end + 1)) {
    let before = end - 1;
    while (json[before] === BACKSLASH) before -= 1;
    if ((end - before) % 2 === 1) return end + 1;
  }
  return undefined;
}

function isScalar(byte: number | undefined): boolean {
  return byte !== undefined && /[\w.+-]/.test(String.fromCharCode(byte));
}

function afterSpace(json: Buffer, start: number): number {
  let at = start;
  while (json[at] === 0x20 || json[at] === 0x0a || json[at] === 0x0d || json[at] === 0x09) at += 1;
  return at;
}
