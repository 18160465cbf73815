import { writeJson } from '../json/exact-json.ts';
import type { JsonPath } from '../json/json-text.ts';
import type { PlacedBytes } from '../json/placed-bytes.ts';
import { readJson } from '../json/read-json.ts';
import { isObject, type JsonObject } from '../mcp/json-rpc.ts';
import { mediaTypeOf } from './media-type.ts';

/**
 * The result of a plugin's tool as that of `tools/call`: a text as it is, anything else as JSON, and an object also as
 * `structuredContent`. Bytes are blocks of their own, images, sound or files; where they are part of a value, a text in
 * their place says which. Throws `JsonLoss` for what JSON cannot say.
 *
 * @param about what the blocks of bytes are named for, as the address of a resource
 */
export function toolResult(value: unknown, about: string): JsonObject {
  if (typeof value === 'string') return { content: [textBlock(value)] };
  const placed: PlacedBytes[] = [];
  const text = writeJson(value, 'result', placed) ?? 'null';
  if (placed.length === 0) return { content: [textBlock(text)], ...(isObject(value) && { structuredContent: value }) };
  const blocks = placed.map(({ bytes }, at) => bytesBlock(bytes, `${about}/${at + 1}`));
  if (placed.length === 1 && placed[0]?.path.length === 0) return { content: blocks };
  const described = readJson(text);
  for (const [at, { path, bytes }] of placed.entries())
    describe(described, path, `(${sizeText(bytes)}: ${about}/${at + 1})`);
  return {
    content: [textBlock(writeJson(described, 'result') ?? 'null'), ...blocks],
    ...(isObject(described) && { structuredContent: described }),
  };
}

/** What a tool has streamed as its result: texts as one, anything else as a list. */
export function streamedResult(items: readonly unknown[], about: string): JsonObject {
  return toolResult(items.every((item) => typeof item === 'string') ? items.join('') : items, about);
}

function textBlock(text: string): JsonObject {
  return { type: 'text', text };
}

function bytesBlock(bytes: Uint8Array, uri: string): JsonObject {
  const mimeType = mediaTypeOf(bytes) ?? 'application/octet-stream';
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  const kind = mimeType.split('/')[0];
  if (kind === 'image' || kind === 'audio') return { type: kind, data, mimeType };
  return { type: 'resource', resource: { uri, mimeType, blob: data } };
}

function sizeText(bytes: Uint8Array): string {
  return `${mediaTypeOf(bytes) ?? 'bytes'}, ${bytes.byteLength} bytes`;
}

/** Puts a text at one place of a value. */
function describe(value: unknown, path: JsonPath, text: string): void {
  let at = value as Record<string | number, unknown>;
  for (const step of path.slice(0, -1)) at = at[step] as Record<string | number, unknown>;
  const last = path.at(-1);
  if (last !== undefined) at[last] = text;
}
