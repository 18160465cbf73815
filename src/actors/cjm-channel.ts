import { Client, Pool } from 'undici';
import { GreenroomError } from '../errors.ts';
import type { CancelOutcome, Health } from '../protocol.ts';
import { brokenError, protocolError, remoteError } from '../calls/remote-error.ts';
import { StringDecoder } from 'node:string_decoder';
import type { CallInFlight, CallSink, WorkerChannel } from './worker-channel.ts';

/** Where an older worker listens. */
export interface CjmChannelOptions {
  readonly plugin: string;
  /** The loopback TCP port that the host has given it. */
  readonly port: number;
  readonly concurrency: number;
}

/** How often an older worker is asked for the progress of a call, in milliseconds: it reports nothing by itself. */
const PROGRESS_POLL_MS = 200;

/**
 * The channel to a worker of the system that Greenroom replaces: loopback TCP without a token, bare results,
 * `{"detail": …}` errors, raw NDJSON chunks in which `{"error": …}` is the error, and progress that has to be asked for.
 */
export function createCjmChannel(options: CjmChannelOptions): WorkerChannel {
  return new CjmChannel(options);
}

const nothing = (): void => {};

class CjmChannel implements WorkerChannel {
  readonly #plugin: string;
  readonly #calls: Client | Pool;
  readonly #control: Client;
  #closed = false;

  constructor({ plugin, port, concurrency }: CjmChannelOptions) {
    const origin = `http://127.0.0.1:${port}`;
    const options = { headersTimeout: 0, bodyTimeout: 0, pipelining: 1 };
    this.#plugin = plugin;
    this.#calls =
      concurrency === 1 ? new Client(origin, options) : new Pool(origin, { ...options, connections: concurrency });
    this.#control = new Client(origin, options);
  }

  execute(_call: string, body: string, sink: CallSink): CallInFlight {
    const stopPolling = this.#pollProgress(sink);
    this.#ask(this.#calls, 'POST', '/execute', body)
      .finally(stopPolling)
      .then(
        (result) => sink.onResult(result),
        (error: GreenroomError) => sink.onError(error),
      );
    // A result comes in one piece: there is nothing to hold back.
    return { pause: nothing, resume: nothing };
  }

  stream(_call: string, body: string, sink: CallSink): CallInFlight {
    let pause = nothing;
    let resume = nothing;
    const read = async (): Promise<void> => {
      const { statusCode, body: answer } = await this.#calls.request({
        path: '/execute_stream',
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      if (statusCode !== 200) {
        sink.onError(detailError(this.#plugin, '/execute_stream', statusCode, await answer.text()));
        return;
      }
      pause = () => void answer.pause();
      resume = () => void answer.resume();
      const error = await this.#readChunks(answer, sink);
      if (error === undefined) sink.onResult(undefined);
      else sink.onError(error);
    };
    read().catch((error: unknown) =>
      sink.onError(error instanceof GreenroomError ? error : brokenError(this.#plugin, error)),
    );
    return { pause: () => pause(), resume: () => resume() };
  }

  /** Hands on the chunks of a body; resolves to the error that stands among them, if any. */
  async #readChunks(body: AsyncIterable<Buffer>, sink: CallSink): Promise<GreenroomError | undefined> {
    const decoder = new StringDecoder('utf8');
    let rest = '';
    for await (const bytes of body) {
      const lines = (rest + decoder.write(bytes)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const error = this.#chunk(line, sink);
        if (error !== undefined) return error;
      }
    }
    return this.#chunk(rest, sink);
  }

  #chunk(line: string, sink: CallSink): GreenroomError | undefined {
    if (line.trim() === '') return undefined;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      return protocolError(this.#plugin, `sent a line that is not JSON: ${line.slice(0, 80)}`, error);
    }
    if (typeof value === 'object' && value !== null && Object.keys(value).length === 1 && 'error' in value) {
      return remoteError(this.#plugin, value.error);
    }
    sink.onChunk(value);
    return undefined;
  }

  #pollProgress(sink: CallSink): () => void {
    let last = '';
    let stopped = false;
    const timer = setInterval(() => {
      this.#ask(this.#control, 'GET', '/progress').then(
        (answer) => {
          const { progress, message } = (answer ?? {}) as { progress?: unknown; message?: unknown };
          const now = JSON.stringify([progress, message]);
          if (typeof progress !== 'number' || now === last || stopped) return;
          last = now;
          sink.onProgress(progress, typeof message === 'string' && message !== '' ? message : undefined);
        },
        () => {},
      );
    }, PROGRESS_POLL_MS);
    timer.unref();
    return () => {
      stopped = true;
      clearInterval(timer);
    };
  }

  async cancel(): Promise<CancelOutcome> {
    const answer = (await this.#ask(this.#control, 'POST', '/cancel', '{}')) as { status?: string } | null;
    return answer?.status === 'unsupported' ? 'unsupported' : 'requested';
  }

  async health(signal: AbortSignal): Promise<Health> {
    return (await this.#ask(this.#control, 'GET', '/health', undefined, signal)) as Health;
  }

  async initialize(config: unknown, signal: AbortSignal): Promise<void> {
    await this.#ask(this.#calls, 'POST', '/initialize', JSON.stringify(config), signal);
  }

  config(signal: AbortSignal): Promise<unknown> {
    return this.#ask(this.#calls, 'GET', '/config', undefined, signal);
  }

  configSchema(signal: AbortSignal): Promise<unknown> {
    return this.#ask(this.#calls, 'GET', '/config_schema', undefined, signal);
  }

  /** The older wire has no release. */
  release(): Promise<boolean> {
    return Promise.resolve(false);
  }

  async cleanup(signal: AbortSignal): Promise<void> {
    await this.#ask(this.#calls, 'POST', '/cleanup', '{}', signal);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const cause = new Error('The channel was closed.');
    for (const client of [this.#calls, this.#control]) client.destroy(cause).catch(() => {});
  }

  async #ask(
    client: Client | Pool,
    method: 'GET' | 'POST',
    path: string,
    body?: string,
    signal?: AbortSignal,
  ): Promise<unknown> {
    let status: number;
    let text: string;
    try {
      const response = await client.request({
        path,
        method,
        headers: { 'content-type': 'application/json' },
        body: body ?? null,
        ...(signal === undefined ? {} : { signal }),
      });
      status = response.statusCode;
      text = await response.body.text();
    } catch (error) {
      throw brokenError(this.#plugin, error);
    }
    if (status !== 200) throw detailError(this.#plugin, path, status, text);
    try {
      return text === '' ? null : JSON.parse(text);
    } catch (error) {
      throw protocolError(this.#plugin, `answered ${path} with what is not JSON: ${text.slice(0, 80)}`, error);
    }
  }
}

/** FastAPI's error body: a text, or a list of what is wrong with the request. */
function detailError(plugin: string, path: string, status: number, text: string): GreenroomError {
  try {
    const { detail } = JSON.parse(text) as { detail?: unknown };
    if (typeof detail === 'string') return remoteError(plugin, { type: 'PluginError', message: detail });
    if (detail !== undefined)
      return remoteError(plugin, {
        type: 'RequestError',
        message: JSON.stringify(detail),
        category: 'input',
        details: detail,
      });
  } catch {
    // Not JSON: the status says what there is to say.
  }
  return protocolError(plugin, `answered ${path} with status ${status}: ${text.slice(0, 80)}`);
}
