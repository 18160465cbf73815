import { createScanner, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { type Fields, setField } from '../json/fields.ts';
import { MAX_LEVELS } from '../json/json-depth.ts';
import type { JsonPath } from '../json/json-text.ts';

/** A text of JSON with comments, as it was read. */
export interface JsoncDocument {
  readonly value: unknown;
  /** The paths of names that their object has had before; of the two values the later one counts. */
  readonly repeated: readonly JsonPath[];
  /** The digits of the number at a path, as they are written: `1.10` is not 1.1. Undefined where there is no number. */
  digitsAt(path: JsonPath): string | undefined;
}

/** What the parser says, in words. */
const FAULTS: Readonly<Record<string, string>> = {
  PropertyNameExpected: 'expected a name in double quotes',
  ValueExpected: 'expected a value',
  ColonExpected: 'expected ":"',
  CommaExpected: 'expected ","',
  CloseBraceExpected: 'expected "}"',
  CloseBracketExpected: 'expected "]"',
  EndOfFileExpected: 'expected the end of the file',
  UnexpectedEndOfComment: 'a comment without its end',
  UnexpectedEndOfString: 'a string without its end',
  UnexpectedEndOfNumber: 'a number that is not complete',
  InvalidUnicode: 'expected four hexadecimal digits after \\u',
  InvalidEscapeCharacter: 'unknown escape in a string',
  InvalidCharacter: 'a control character in a string',
};

/**
 * Reads JSON as editors write it: with comments, trailing commas and a byte order mark. Returns what was read, or why
 * nothing was, with line and column where there is one to blame. Never throws.
 */
export function readJsonc(given: string): JsoncDocument | { readonly reason: string } {
  // Some editors of Windows put a byte order mark before the text.
  const text = given.replace(/^\ufeff/, '');
  // The parser descends into what is nested, and would exhaust the stack.
  if (isNestedDeeper(text, MAX_LEVELS)) return { reason: `is nested more than ${MAX_LEVELS} levels deep` };
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  const [fault] = errors;
  if (fault !== undefined && text.trim() !== '') {
    const what = FAULTS[printParseErrorCode(fault.error)] ?? 'unexpected characters';
    return { reason: `is not JSON: ${what} (${placeIn(text, fault.offset)})` };
  }
  if (root === undefined) return { reason: 'is empty' };
  const digits = new Map<string, string>();
  const repeated: JsonPath[] = [];
  const valueOf = (node: Node, path: JsonPath): unknown => {
    const { type, children = [], offset, length } = node;
    if (type === 'array') return children.map((child, index) => valueOf(child, [...path, index]));
    if (type === 'number') digits.set(keyOf(path), text.slice(offset, offset + length));
    if (type !== 'object') return node.value as unknown;
    const fields: Fields = {};
    for (const { children: [name, value] = [] } of children) {
      if (name === undefined || value === undefined) continue;
      const at = [...path, name.value as string];
      if (Object.hasOwn(fields, name.value as string)) repeated.push(at);
      digits.delete(keyOf(at));
      setField(fields, name.value as string, valueOf(value, at));
    }
    return fields;
  };
  return { value: valueOf(root, []), repeated, digitsAt: (path) => digits.get(keyOf(path)) };
}

function keyOf(path: JsonPath): string {
  return JSON.stringify(path);
}

function isNestedDeeper(text: string, levels: number): boolean {
  const scanner = createScanner(text, true);
  let depth = 0;
  for (scanner.scan(); scanner.getTokenOffset() < text.length; scanner.scan()) {
    const first = text.charAt(scanner.getTokenOffset());
    if ('{['.includes(first)) depth += 1;
    else if ('}]'.includes(first)) depth -= 1;
    if (depth > levels) return true;
  }
  return false;
}

function placeIn(text: string, offset: number): string {
  const before = text.slice(0, offset).split(/\r\n|\r|\n/);
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}
