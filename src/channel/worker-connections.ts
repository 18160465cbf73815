import { Client, errors, Pool } from 'undici';
import { GreenroomError } from '../errors.ts';
import { writeJson } from '../json/exact-json.ts';
import { UnreadableJson } from '../json/read-json.ts';
import { parseAnswer, unreadableError } from './exact-answer.ts';
import { patientConnector } from './patient-connector.ts';
import { brokenError, protocolError } from './remote-error.ts';

/**
 * Connections to an address (`unix:/path` or `tcp:host:port`) that wait for an answer as long as it takes: undici's own
 * limits would cut calls off after 300 s. With one connection a request waits for the answer of the one before it.
 */
export function connectTo(address: string, connections: number): Client | Pool {
  const unix = address.startsWith('unix:');
  const origin = unix ? 'http://localhost' : `http://${address.slice('tcp:'.length)}`;
  const options = {
    headersTimeout: 0,
    bodyTimeout: 0,
    pipelining: 1,
    connect: patientConnector(unix ? address.slice('unix:'.length) : undefined),
  };
  return connections === 1 ? new Client(origin, options) : new Pool(origin, { ...options, connections });
}

/** What undici says went wrong: the worker spoke no HTTP, or the connection broke. */
export function connectionError(plugin: string, error: unknown): GreenroomError {
  return error instanceof errors.HTTPParserError
    ? protocolError(plugin, 'answered with something other than HTTP', error)
    : brokenError(plugin, error);
}

/** How much the answer to such a request may be, in bytes: the schema of a config is the longest of them. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** A request that is no call. */
export interface ControlRequest {
  readonly plugin: string;
  readonly client: Client | Pool;
  readonly headers: Record<string, string>;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Sent as JSON; data that JSON can say. */
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** Makes an error of the JSON of an answer that is not 200, or nothing where it is no error of the protocol. */
  readonly errorIn: (answer: unknown) => GreenroomError | undefined;
}

/**
 * Sends a request and resolves to the JSON of its answer, null for an empty one. Rejects with the error in the answer,
 * `E_PROTOCOL`, `E_CRASHED`, `E_SERIALIZE`, or the signal's reason once it is aborted. Never sends twice.
 */
export async function requestJson(request: ControlRequest): Promise<unknown> {
  const { plugin, client, method, path, headers, body, signal, errorIn } = request;
  let status: number;
  let text: string;
  try {
    const response = await client.request({
      path,
      method,
      headers,
      body: writeJson(body, 'body') ?? null,
      ...(signal === undefined ? {} : { signal }),
    });
    status = response.statusCode;
    text = await textOf(response.body, () =>
      protocolError(plugin, `answered ${path} with more than ${MAX_ANSWER_BYTES / 2 ** 20} MiB`),
    );
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    throw error instanceof GreenroomError ? error : connectionError(plugin, error);
  }
  let answer: unknown;
  try {
    answer = text === '' ? null : parseAnswer(text, () => status !== 200, 'bigint');
  } catch (error) {
    if (error instanceof UnreadableJson) throw unreadableError(plugin, error);
    throw protocolError(
      plugin,
      `answered ${path} with status ${status} and a body that is not JSON: ${text.slice(0, 80)}`,
      error,
    );
  }
  if (status === 200) return answer;
  throw errorIn(answer) ?? protocolError(plugin, `answered ${path} with status ${status}: ${text.slice(0, 80)}`);
}

/** The text of a body. Once it is too long the connection is closed, and what `tooLong` makes is thrown. */
async function textOf(body: AsyncIterable<Buffer>, tooLong: () => GreenroomError): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of body) {
    length += part.length;
    if (length > MAX_ANSWER_BYTES) throw tooLong();
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}
