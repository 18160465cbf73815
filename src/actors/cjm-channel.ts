import type { Client, Pool } from 'undici';
import { InexactAnswer, inexactError, parseAnyAnswer } from '../calls/exact-answer.ts';
import { LineReader } from '../calls/line-reader.ts';
import { protocolError, remoteError } from '../calls/remote-error.ts';
import type { GreenroomError } from '../errors.ts';
import type { CancelOutcome, Health } from '../protocol.ts';
import { CallAnswer } from './call-answer.ts';
import { withPolledProgress } from './cjm-progress.ts';
import type { CallInFlight, CallSink, WorkerChannel } from './worker-channel.ts';
import { connectTo, requestJson } from './worker-connections.ts';

/** Where an older worker listens. */
export interface CjmChannelOptions {
  readonly plugin: string;
  /** The loopback TCP port that the host has given it. */
  readonly port: number;
  readonly concurrency: number;
}

/**
 * The channel to a worker of the system that Greenroom replaces: loopback TCP without a token, bare results,
 * `{"detail": …}` errors, raw NDJSON chunks in which `{"error": …}` is the error, and progress that has to be asked for.
 */
export function createCjmChannel(options: CjmChannelOptions): WorkerChannel {
  return new CjmChannel(options);
}

const HEADERS = { 'content-type': 'application/json' };
const CALL_HEADERS = Object.entries(HEADERS).flat();

class CjmChannel implements WorkerChannel {
  readonly #plugin: string;
  readonly #calls: Client | Pool;
  readonly #admin: Client | Pool;
  /** Health, cancel and progress, which an older worker answers beside a call. */
  readonly #control: Client | Pool;
  #closed = false;

  constructor({ plugin, port, concurrency }: CjmChannelOptions) {
    const address = `tcp:127.0.0.1:${port}`;
    this.#plugin = plugin;
    this.#calls = connectTo(address, concurrency);
    this.#admin = connectTo(address, 1);
    this.#control = connectTo(address, 1);
  }

  execute(_call: string, body: string, sink: CallSink): CallInFlight {
    return this.#send('/execute', body, new Answer(this.#plugin, 'execute', this.#withProgress(sink), parseAnyAnswer));
  }

  stream(_call: string, body: string, sink: CallSink): CallInFlight {
    return this.#send(
      '/execute_stream',
      body,
      new Answer(this.#plugin, 'stream', this.#withProgress(sink), parseAnyAnswer),
    );
  }

  /** Stops whatever runs: an older worker does not tell calls apart. */
  async cancel(): Promise<CancelOutcome> {
    const { status, detail } = ((await this.#ask(this.#control, 'POST', '/cancel', {})) ?? {}) as Record<
      string,
      unknown
    >;
    if (status === 'cancelled') return 'requested';
    if (status === 'not_supported') return 'unsupported';
    throw status === 'error'
      ? remoteError(this.#plugin, { type: 'PluginError', message: detail })
      : protocolError(this.#plugin, `answered /cancel with status ${String(status)}`);
  }

  async health(signal: AbortSignal): Promise<Health> {
    const answer = await this.#ask(this.#control, 'GET', '/health', undefined, signal);
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

  async initialize(config: unknown, signal: AbortSignal): Promise<void> {
    await this.#ask(this.#admin, 'POST', '/initialize', config ?? {}, signal);
  }

  config(signal: AbortSignal): Promise<unknown> {
    return this.#ask(this.#admin, 'GET', '/config', undefined, signal);
  }

  configSchema(signal: AbortSignal): Promise<unknown> {
    return this.#ask(this.#admin, 'GET', '/config_schema', undefined, signal);
  }

  /** The older wire has no release. */
  release(): Promise<boolean> {
    return Promise.resolve(false);
  }

  async cleanup(signal: AbortSignal): Promise<void> {
    await this.#ask(this.#admin, 'POST', '/cleanup', {}, signal);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const cause = new Error('The channel was closed.');
    for (const client of [this.#calls, this.#admin, this.#control]) client.destroy(cause).catch(() => {});
  }

  #withProgress(sink: CallSink): CallSink {
    return withPolledProgress(sink, () => this.#ask(this.#control, 'GET', '/progress'));
  }

  #send(path: string, body: string, answer: Answer): CallInFlight {
    this.#calls.dispatch({ path, method: 'POST', headers: CALL_HEADERS, body }, answer);
    return answer;
  }

  #ask(
    client: Client | Pool,
    method: 'GET' | 'POST',
    path: string,
    body?: unknown,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const errorIn = (answer: unknown): GreenroomError | undefined => detailError(this.#plugin, answer);
    return requestJson({
      plugin: this.#plugin,
      client,
      headers: HEADERS,
      method,
      path,
      body,
      signal,
      errorIn,
      parse: parseAnyAnswer,
    });
  }
}

/** A bare result, or `{"detail": …}`. */
class Answer extends CallAnswer {
  protected override readLines(): ChunkReader {
    return new ChunkReader(this.plugin, this.sink);
  }

  protected override isError(status: number): boolean {
    return status !== 200;
  }

  protected override readWhole(status: number, answer: unknown): boolean {
    if (status === 200) {
      if (this.kind === 'stream') return false;
      this.sink.onResult(answer);
      return true;
    }
    const error = detailError(this.plugin, answer);
    if (error === undefined) return false;
    this.sink.onError(error);
    return true;
  }
}

/** Reads bare chunks; the end of the body is the end of the stream. */
class ChunkReader extends LineReader {
  readonly #plugin: string;
  readonly #sink: CallSink;

  constructor(plugin: string, sink: CallSink) {
    super();
    this.#plugin = plugin;
    this.#sink = sink;
  }

  protected override onLine(line: string): void {
    let chunk: unknown;
    try {
      chunk = parseAnyAnswer(line, (read) => chunkError(this.#plugin, read) !== undefined);
    } catch (error) {
      this.#fail(
        error instanceof InexactAnswer
          ? inexactError(this.#plugin, error)
          : protocolError(this.#plugin, `sent a line that is not JSON: ${line.slice(0, 80)}`, error),
      );
      return;
    }
    const error = chunkError(this.#plugin, chunk);
    if (error === undefined) this.#sink.onChunk(chunk);
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
  if ('_job_error' in chunk) return jobError(plugin, chunk['_job_error']);
  return 'error' in chunk && Object.keys(chunk).length === 1
    ? remoteError(plugin, { type: 'PluginError', message: String(chunk.error) })
    : undefined;
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

/** The error in FastAPI's body: a text, or a list of what is wrong with the request. */
function detailError(plugin: string, answer: unknown): GreenroomError | undefined {
  if (typeof answer !== 'object' || answer === null || !('detail' in answer)) return undefined;
  const { detail } = answer;
  return typeof detail === 'string'
    ? remoteError(plugin, { type: 'PluginError', message: detail })
    : remoteError(plugin, {
        type: 'RequestError',
        message: JSON.stringify(detail),
        category: 'input',
        details: detail,
      });
}
