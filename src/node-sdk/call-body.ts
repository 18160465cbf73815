import { MAX_DEPTH } from '../json/exact-json.ts';
import { MisplacedBytes, putBytes } from '../json/placed-bytes.ts';
import { readJson, UnreadableJson } from '../json/read-json.ts';
import type { CallBody } from '../protocol.ts';
import { MAX_CALL_BYTES } from './call-table.ts';
import { EXECUTE } from './plugin.ts';

/** A value may have so many levels of its own; a body has up to two around it. */
const LEVELS = MAX_DEPTH + 2;

/** The bytes of a body, as they came in its frame. */
export interface BodyBytes {
  readonly places: string;
  readonly bytes: Uint8Array;
  /** Whether nobody else uses their memory. */
  readonly owned: boolean;
}

/** Reads the body of a call; a string says what is wrong with it. */
export function readCallBody(text: string, bytes?: BodyBytes): Required<CallBody> | string {
  const body = readBodyObject(text, 'a call', bytes);
  if (typeof body === 'string') return body;
  const { call, tool = EXECUTE, traceparent, args = [], kwargs = {} } = body;
  if (typeof call !== 'string' || call === '') return '"call" must be a string that is not empty.';
  if (call.length > MAX_CALL_BYTES || Buffer.byteLength(call) > MAX_CALL_BYTES) {
    return `"call" must not be longer than ${MAX_CALL_BYTES} bytes.`;
  }
  if (typeof tool !== 'string') return '"tool" must be a string.';
  if (!Array.isArray(args)) return '"args" must be an array.';
  if (!isObject(kwargs)) return '"kwargs" must be an object.';
  // Another form is ignored, as W3C Trace Context wants it: no call fails for how it is traced.
  return { call, tool, traceparent: typeof traceparent === 'string' ? traceparent : undefined, args, kwargs };
}

/** Reads a body that is a JSON object; a string says what is wrong with it. `owner` has the body: "a call", a path. */
export function readBodyObject(
  text: string,
  owner: string,
  bytes?: BodyBytes,
): Readonly<Record<string, unknown>> | string {
  try {
    let body = readJson(text, 'bigint', LEVELS);
    if (bytes !== undefined && (bytes.places !== '' || bytes.bytes.byteLength > 0)) {
      body = putBytes(body, bytes.places, bytes.bytes, bytes.owned);
    }
    if (isObject(body)) return body;
  } catch (error) {
    if (error instanceof UnreadableJson || error instanceof MisplacedBytes) {
      return `The body of ${owner} cannot be read: ${error.message}.`;
    }
  }
  return `The body of ${owner} must be a JSON object.`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}
