import type { IncomingHttpHeaders } from 'node:http';
import { isObject, type JsonObject } from '../mcp/json-rpc.ts';
import { decoded, headerOf } from './modern-headers.ts';

/** The key of a property of a tool's arguments that names the header which repeats its value. */
const ANNOTATION = 'x-mcp-header';

/** An argument that a header repeats. */
interface RepeatedArgument {
  readonly path: readonly string[];
  readonly header: string;
}

/** By the definition of a tool, which stays the same object as long as the list does. */
const known = new WeakMap<JsonObject, readonly RepeatedArgument[]>();

/**
 * What is wrong with the `Mcp-Param-…` headers of a call, a sentence; undefined where they repeat the arguments that the
 * tool says. A header of an argument that is not given counts for nothing.
 */
export function paramMismatch(headers: IncomingHttpHeaders, tool: JsonObject, input: unknown): string | undefined {
  for (const { path, header } of repeatedBy(tool)) {
    const value = path.reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), input);
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') continue;
    const name = `Mcp-Param-${header}`;
    const given = headerOf(headers, name.toLowerCase());
    if (given === undefined)
      return `The header ${name} is missing. The tool wants it to repeat the argument "${path.join('.')}".`;
    const text = decoded(given);
    if (text === undefined) return `The header ${name} is ${JSON.stringify(given)}, which is not base64 of UTF-8.`;
    if (!isSame(text, value))
      return `The header ${name} is ${JSON.stringify(text)}, and the argument "${path.join('.')}" is ${JSON.stringify(value)}. Send the same in both.`;
  }
  return undefined;
}

function isSame(text: string, value: string | number | boolean): boolean {
  if (typeof value !== 'number') return text === String(value);
  return /^-?\d+(\.\d+)?$/.test(text) && Number(text) === value;
}

function repeatedBy(tool: JsonObject): readonly RepeatedArgument[] {
  let found = known.get(tool);
  if (found === undefined) {
    found = isObject(tool['inputSchema']) ? annotated(tool['inputSchema'], []) : [];
    known.set(tool, found);
  }
  return found;
}

/** Only what is a property of properties may be annotated: of anything else nobody could say what the value is. */
function annotated(schema: JsonObject, path: readonly string[]): RepeatedArgument[] {
  const header = path.length === 0 ? undefined : schema[ANNOTATION];
  const own = typeof header === 'string' && header !== '' ? [{ path, header }] : [];
  const { properties } = schema;
  if (!isObject(properties)) return own;
  const inner = Object.entries(properties).flatMap(([key, each]) =>
    isObject(each) ? annotated(each, [...path, key]) : [],
  );
  return [...own, ...inner];
}
