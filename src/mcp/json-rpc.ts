import { writeJson } from '../json/exact-json.ts';
import { readJson } from '../json/read-json.ts';

/** What tells requests of one side apart. */
export type RequestId = string | number;

/** Parameters, results and other parts of messages: of which nobody but sender and receiver knows all fields. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Asks for an answer with the same `id`. */
export interface JsonRpcRequest {
  readonly jsonrpc: '2.0';
  readonly id: RequestId;
  readonly method: string;
  readonly params?: JsonObject | undefined;
}

/** Tells, and is not answered. */
export interface JsonRpcNotification {
  readonly jsonrpc: '2.0';
  readonly method: string;
  readonly params?: JsonObject | undefined;
}

/** The answer to a request that succeeded. */
export interface JsonRpcResult {
  readonly jsonrpc: '2.0';
  readonly id: RequestId;
  readonly result: JsonObject;
}

/** Why a request failed. */
export interface JsonRpcFault {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** The answer to a request that failed; `id` is null where the request could not be read. */
export interface JsonRpcError {
  readonly jsonrpc: '2.0';
  readonly id: RequestId | null;
  readonly error: JsonRpcFault;
}

/** One message of JSON-RPC 2.0, as MCP restricts it: named parameters, ids that are texts or numbers. */
export type JsonRpcMessage = JsonRpcRequest | JsonRpcNotification | JsonRpcResult | JsonRpcError;

/** The error codes of JSON-RPC 2.0, section 5.1, and of MCP 2026-07-28. */
export const RPC_ERROR = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  headerMismatch: -32020,
  missingClientCapability: -32021,
  unsupportedVersion: -32022,
} as const;

/** What is no message; the text is a clause that says why. */
export class NoMessage extends Error {
  override readonly name = 'NoMessage';
}

/**
 * Reads one message. Integers beyond ±(2^53 − 1) become bigints, so that what is passed on is unchanged. Throws
 * {@link NoMessage}.
 */
export function readMessage(text: string): JsonRpcMessage {
  return checkedMessage(read(text));
}

/** The same of a value that was parsed already. */
export function checkedMessage(value: unknown): JsonRpcMessage {
  if (!isObject(value)) throw new NoMessage('it is no JSON object');
  if (value['jsonrpc'] !== '2.0') throw new NoMessage('it has no "jsonrpc": "2.0"');
  const { id, method, params } = value;
  if (method !== undefined) {
    if (typeof method !== 'string') throw new NoMessage('its "method" is no text');
    if (params !== undefined && !isObject(params)) throw new NoMessage('its "params" are no object');
    if (id !== undefined && !isId(id)) throw new NoMessage('its "id" is neither a text nor an integer');
    return value as unknown as JsonRpcRequest | JsonRpcNotification;
  }
  if (isObject(value['error'])) {
    const { code, message } = value['error'];
    if (!Number.isSafeInteger(code) || typeof message !== 'string')
      throw new NoMessage('its "error" has no integer "code" and no "message"');
    if (id !== undefined && id !== null && !isId(id)) throw new NoMessage('its "id" is neither a text nor an integer');
    return { ...value, id: id ?? null } as unknown as JsonRpcError;
  }
  if (!isObject(value['result'])) throw new NoMessage('it has no "method", "result" or "error"');
  if (!isId(id)) throw new NoMessage('its "id" is neither a text nor an integer');
  return value as unknown as JsonRpcResult;
}

/** Writes one message without line breaks, as its own line is to hold it. Throws `JsonLoss` for what JSON cannot say. */
export function writeMessage(message: JsonRpcMessage): string {
  return writeJson(message, 'message') ?? 'null';
}

/** Whether it asks for an answer. */
export function isRequest(message: JsonRpcMessage): message is JsonRpcRequest {
  return 'method' in message && 'id' in message;
}

/** Whether it tells, and asks for none. */
export function isNotification(message: JsonRpcMessage): message is JsonRpcNotification {
  return 'method' in message && !('id' in message);
}

/** A JSON object, and no list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A bigint is an integer that a number would have changed. */
function isId(id: unknown): id is RequestId {
  return typeof id === 'string' || Number.isInteger(id) || typeof id === 'bigint';
}

function read(text: string): unknown {
  try {
    return readJson(text);
  } catch (error) {
    throw new NoMessage(error instanceof SyntaxError ? 'it is no JSON' : (error as Error).message, { cause: error });
  }
}
