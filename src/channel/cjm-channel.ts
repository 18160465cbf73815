import type { Client, Pool } from 'undici';
import type { GreenroomError } from '../errors.ts';
import { writeJson } from '../json/exact-json.ts';
import { type Integers, UnreadableJson } from '../json/read-json.ts';
import type { CancelOutcome, Health } from '../protocol.ts';
import { CallAnswer } from './call-answer.ts';
import { type PolledSink, withPolledProgress } from './cjm-progress.ts';
import { callBody } from './encoded-input.ts';
import { parseAnswer, unreadableError } from './exact-answer.ts';
import type { CallKind } from './frames.ts';
import { LineReader } from './line-reader.ts';
import { protocolError, remoteError } from './remote-error.ts';
import type { CallInFlight, CallSink, ConfigChannel, OutgoingCall, WorkerChannel } from './worker-channel.ts';
import { connectTo, requestJson } from './worker-connections.ts';

/** Where an older worker listens. */
export interface CjmChannelOptions {
  readonly plugin: string;
  /** The loopback TCP port that the host has given it. */
  readonly port: number;
}

/**
 * The channel to a worker of the system that Greenroom replaces: loopback TCP without a token, bare results,
 * `{"detail": …}` errors, raw NDJSON chunks in which `{"error": …}` is the error, and progress that has to be asked for.
 */
export function createCjmChannel(options: CjmChannelOptions): CjmChannel {
  return new CjmChannel(options);
}

const HEADERS = { 'content-type': 'application/json' };
const CALL_HEADERS = Object.entries(HEADERS).flat();

/**
 * Every request has a connection of its own: after an error of its own an older worker closes a connection without
 * saying so, and a call that is sent on it just then would be lost. The older wire has no release.
 */
export class CjmChannel implements WorkerChannel {
  readonly #plugin: string;
  readonly #address: string;
  readonly #open = new Set<Client | Pool>();
  /** The calls whose outcome is not handed on yet. */
  readonly #calls = new Set<PolledSink>();
  /** How many requests run in plugin code. */
  #occupied = 0;
  /** Ends the health requests that are open as plugin code begins to run. */
  #asking: AbortController | undefined;
  #health: Health | undefined;
  readonly config: ConfigChannel = {
    initialize: async (config, signal) => {
      await this.#askPlugin('POST', '/initialize', signal, config ?? {});
    },
    get: (signal) => this.#askPlugin('GET', '/config', signal),
    schema: (signal) => this.#askPlugin('GET', '/config_schema', signal),
  };
  #closed = false;

  constructor({ plugin, port }: CjmChannelOptions) {
    this.#plugin = plugin;
    this.#address = `tcp:127.0.0.1:${port}`;
  }

  execute(call: OutgoingCall, sink: CallSink): CallInFlight {
    return this.#send('/execute', 'execute', call, sink);
  }

  stream(call: OutgoingCall, sink: CallSink): CallInFlight {
    return this.#send('/execute_stream', 'stream', call, sink);
  }

  /** Stops whatever runs: an older worker does not tell calls apart. */
  async cancel(): Promise<CancelOutcome> {
    const { status, detail } = ((await this.#ask('POST', '/cancel', {})) ?? {}) as Record<string, unknown>;
    if (status === 'cancelled') return 'requested';
    if (status === 'not_supported') return 'unsupported';
    throw status === 'error'
      ? remoteError(this.#plugin, { type: 'PluginError', message: detail })
      : protocolError(this.#plugin, `answered /cancel with status ${String(status)}`);
  }

  /**
   * An older worker may answer nothing while it runs plugin code, for as long as that takes. It is then taken to be
   * alive, as it was when it answered last.
   */
  async health(signal: AbortSignal): Promise<Health> {
    const last = this.#health;
    if (last !== undefined && this.#occupied > 0) return last;
    this.#asking ??= new AbortController();
    const occupied = this.#asking.signal;
    try {
      this.#health = await this.#askHealth(AbortSignal.any([signal, occupied]));
      return this.#health;
    } catch (error) {
      if (last !== undefined && occupied.aborted && !signal.aborted) return last;
      throw error;
    }
  }

  async #askHealth(signal: AbortSignal): Promise<Health> {
    const answer = await this.#ask('GET', '/health', undefined, signal);
    const { pid, name, version } = (answer ?? {}) as Record<string, unknown>;
    if (typeof pid !== 'number') throw protocolError(this.#plugin, 'answered /health without a pid');
    return {
      status: 'ok',
      pid,
      // Older workers know no nonce; whether they are ours shows in their pid.
      nonce: '',
      ...(typeof name === 'string' ? { name } : {}),
      ...(typeof version === 'string' ? { version } : {}),
    };
  }

  async cleanup(signal: AbortSignal): Promise<void> {
    await this.#askPlugin('POST', '/cleanup', signal, {});
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const call of this.#calls) call.hurry();
    const cause = new Error('The channel was closed.');
    for (const client of this.#open) client.destroy(cause).catch(() => {});
  }

  /** A sink that gets the progress too. `done` is called at the end of the call. */
  #watched(sink: CallSink, done: () => void): CallSink {
    const progress = withPolledProgress(
      sink,
      (signal) => this.#ask('GET', '/progress', undefined, signal),
      () => void this.#calls.delete(progress),
    );
    this.#calls.add(progress);
    return {
      onProgress: (fraction, message) => progress.onProgress(fraction, message),
      onChunk: (chunk, length) => progress.onChunk(chunk, length),
      onResult: (result) => {
        done();
        progress.onResult(result);
      },
      onError: (error) => {
        done();
        progress.onError(error);
      },
    };
  }

  /** Notes that plugin code runs, until what it returns is called. */
  #occupy(): () => void {
    this.#occupied += 1;
    this.#asking?.abort();
    this.#asking = undefined;
    return () => {
      this.#occupied -= 1;
    };
  }

  #send(path: string, kind: CallKind, call: OutgoingCall, sink: CallSink): CallInFlight {
    const free = this.#occupy();
    const client = this.#connect();
    const watched = this.#watched(sink, () => {
      free();
      this.#disconnect(client);
    });
    const answer = new Answer(this.#plugin, kind, call, watched);
    const body = callBody(call.id, call.input);
    client.dispatch({ path, method: 'POST', headers: CALL_HEADERS, body }, answer);
    return answer;
  }

  #connect(): Client | Pool {
    const client = connectTo(this.#address, 1);
    this.#open.add(client);
    if (this.#closed) client.destroy(new Error('The channel was closed.')).catch(() => {});
    return client;
  }

  #disconnect(client: Client | Pool): void {
    this.#open.delete(client);
    client.destroy().catch(() => {});
  }

  /** A request that runs in plugin code. */
  async #askPlugin(method: 'GET' | 'POST', path: string, signal: AbortSignal, body?: unknown): Promise<unknown> {
    const free = this.#occupy();
    try {
      return await this.#ask(method, path, body, signal);
    } finally {
      free();
    }
  }

  async #ask(method: 'GET' | 'POST', path: string, body?: unknown, signal?: AbortSignal): Promise<unknown> {
    const plugin = this.#plugin;
    const errorIn = (answer: unknown): GreenroomError | undefined => errorOf(plugin, answer);
    const client = this.#connect();
    try {
      const answer = await requestJson({
        plugin,
        client,
        headers: HEADERS,
        method,
        path,
        body,
        signal,
        errorIn,
      });
      if (isJobError(answer)) throw jobError(plugin, answer['_job_error']);
      return answer;
    } finally {
      this.#disconnect(client);
    }
  }
}

/** A bare result, `{"detail": …}`, or `{"_job_error": …}` with whatever status. */
class Answer extends CallAnswer {
  protected override readLines(): ChunkReader {
    return new ChunkReader(this.plugin, this.sink, this.integers);
  }

  protected override isError(status: number): boolean {
    return status !== 200;
  }

  protected override readWhole(status: number, answer: unknown): boolean {
    if (status === 200 && !isJobError(answer)) {
      if (this.kind === 'stream') return false;
      this.sink.onResult(answer);
      return true;
    }
    const error = errorOf(this.plugin, answer);
    if (error === undefined) return false;
    this.sink.onError(error);
    return true;
  }
}

/** Reads bare chunks; the end of the body is the end of the stream. */
class ChunkReader extends LineReader {
  readonly #plugin: string;
  readonly #sink: CallSink;
  readonly #integers: Integers;

  constructor(plugin: string, sink: CallSink, integers: Integers) {
    super();
    this.#plugin = plugin;
    this.#sink = sink;
    this.#integers = integers;
  }

  protected override onLine(line: string): void {
    let chunk: unknown;
    try {
      chunk = parseAnswer(line, (read) => chunkError(this.#plugin, read) !== undefined, this.#integers);
    } catch (error) {
      this.#fail(
        error instanceof UnreadableJson
          ? unreadableError(this.#plugin, error)
          : protocolError(this.#plugin, `sent a line that is not JSON: ${line.slice(0, 80)}`, error),
      );
      return;
    }
    const error = chunkError(this.#plugin, chunk);
    if (error === undefined) this.#sink.onChunk(chunk, line.length);
    else this.#fail(error);
  }

  protected override onTooLong(): void {
    this.#fail(protocolError(this.#plugin, 'sent a line that is too long for one chunk'));
  }

  protected override onEnd(): void {
    this.finish();
    this.#sink.onResult(undefined);
  }

  #fail(error: GreenroomError): void {
    this.finish();
    this.#sink.onError(error);
  }
}

/** The error that a chunk is: `{"error": text}` alone, or in the newest of the older workers `{"_job_error": {…}}`. */
function chunkError(plugin: string, chunk: unknown): GreenroomError | undefined {
  if (typeof chunk !== 'object' || chunk === null) return undefined;
  if (isJobError(chunk)) return jobError(plugin, chunk['_job_error']);
  return 'error' in chunk && Object.keys(chunk).length === 1
    ? remoteError(plugin, { type: 'PluginError', ...messageOf(chunk.error) })
    : undefined;
}

/** A text as the message; anything else as JSON, and as details. */
function messageOf(error: unknown): { readonly message: string; readonly details?: unknown } {
  return typeof error === 'string' ? { message: error } : { message: writeJson(error, 'error') ?? '', details: error };
}

/** No result of a plugin has this key. */
function isJobError(answer: unknown): answer is { readonly _job_error: unknown } {
  return typeof answer === 'object' && answer !== null && '_job_error' in answer;
}

function jobError(plugin: string, job: unknown): GreenroomError {
  const { category, message, retriable, original_exc_repr: repr, traceback } = (job ?? {}) as Record<string, unknown>;
  return remoteError(plugin, {
    type: typeof repr === 'string' ? /^\w+/.exec(repr)?.[0] : undefined,
    message,
    category: category === 'user_input' ? 'input' : category,
    retryable: retriable,
    stack: traceback,
    details: job,
  });
}

/**
 * The error in a body: `{"_job_error": …}`, or FastAPI's `detail`, which holds the same, a text, or a list of what is
 * wrong with the request.
 */
function errorOf(plugin: string, answer: unknown): GreenroomError | undefined {
  if (isJobError(answer)) return jobError(plugin, answer['_job_error']);
  if (typeof answer !== 'object' || answer === null || !('detail' in answer)) return undefined;
  const { detail } = answer;
  if (isJobError(detail)) return jobError(plugin, detail['_job_error']);
  return typeof detail === 'string'
    ? remoteError(plugin, { type: 'PluginError', message: detail })
    : remoteError(plugin, {
        type: 'RequestError',
        message: writeJson(detail, 'detail'),
        category: 'input',
        details: detail,
      });
}
