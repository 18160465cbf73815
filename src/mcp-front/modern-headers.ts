import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import type { JsonRpcRequest } from '../mcp/json-rpc.ts';
import { META } from '../mcp/revisions.ts';
import { metaOf } from './envelope.ts';

/** The header that names the revision, in both eras. */
export const VERSION_HEADER = 'mcp-protocol-version';
const METHOD_HEADER = 'mcp-method';
const NAME_HEADER = 'mcp-name';

/** Which parameter `Mcp-Name` repeats, by the method. */
const NAMED_BY: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
};

/**
 * What is wrong with the headers of a modern request, a sentence; undefined where they repeat what its body says, as they
 * must: programs on the way decide by them.
 */
export function headerMismatch(headers: IncomingHttpHeaders, { method, params }: JsonRpcRequest): string | undefined {
  const field = Object.hasOwn(NAMED_BY, method) ? NAMED_BY[method] : undefined;
  const name = field === undefined ? undefined : params?.[field];
  const given = headerOf(headers, NAME_HEADER);
  return (
    mismatch('MCP-Protocol-Version', headerOf(headers, VERSION_HEADER), metaOf(params)[META.version]) ??
    mismatch('Mcp-Method', headerOf(headers, METHOD_HEADER), method) ??
    (typeof name === 'string' ? mismatch('Mcp-Name', given && (decoded(given) ?? given), name) : undefined)
  );
}

/** A header of which there is one. */
export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value.trim() : undefined;
}

function mismatch(header: string, given: string | undefined, expected: unknown): string | undefined {
  if (given === expected) return undefined;
  const what = given === undefined ? 'is missing' : `is ${JSON.stringify(given)}`;
  return `The header ${header} ${what}, and the body says ${JSON.stringify(expected)}. Send the same in both.`;
}

/** A value with other characters than headers take is `=?base64?…?=`. Undefined for one that is not well written. */
export function decoded(value: string): string | undefined {
  const encoded = /^=\?base64\?(.*)\?=$/.exec(value)?.[1];
  if (encoded === undefined) return value;
  const bytes = Buffer.from(encoded, 'base64');
  return bytes.toString('base64') === encoded && isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}
