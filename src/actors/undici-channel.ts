import { Client, type Dispatcher, Pool } from 'undici';
import { FrameReader } from '../calls/frames.ts';
import { brokenError, protocolError, remoteError } from '../calls/remote-error.ts';
import { GreenroomError } from '../errors.ts';
import type { CancelOutcome, Health } from '../protocol.ts';
import type { CallInFlight, CallSink, WorkerChannel } from './worker-channel.ts';

/** Where a worker listens, and how many calls it takes at once. */
export interface ChannelOptions {
  readonly plugin: string;
  /** `unix:/path` or `tcp:host:port`. */
  readonly address: string;
  readonly control: string;
  readonly token: string;
  readonly concurrency: number;
}

/** The channel to a worker that speaks the protocol. */
export function createUndiciChannel(options: ChannelOptions): WorkerChannel {
  return new UndiciChannel(options);
}

/** A connection that waits for an answer as long as it takes: undici's own limits would cut calls off after 300 s. */
function connectionTo(address: string, connections: number): Client | Pool {
  const unix = address.startsWith('unix:');
  const origin = unix ? 'http://localhost' : `http://${address.slice('tcp:'.length)}`;
  const options = {
    headersTimeout: 0,
    bodyTimeout: 0,
    pipelining: 1,
    ...(unix ? { socketPath: address.slice('unix:'.length) } : {}),
  };
  return connections === 1 ? new Client(origin, options) : new Pool(origin, { ...options, connections });
}

class UndiciChannel implements WorkerChannel {
  readonly #plugin: string;
  readonly #calls: Client | Pool;
  readonly #control: Client | Pool;
  /** Config, release and cleanup have a connection of their own, so that they never wait behind a call's answer. */
  readonly #admin: Client | Pool;
  readonly #headers: string[];
  readonly #jsonHeaders: Record<string, string>;
  #closed = false;

  constructor({ plugin, address, control, token, concurrency }: ChannelOptions) {
    this.#plugin = plugin;
    this.#calls = connectionTo(address, concurrency);
    this.#admin = connectionTo(address, 1);
    this.#control = connectionTo(control, 1);
    const authorization = `Bearer ${token}`;
    this.#headers = ['content-type', 'application/json', 'authorization', authorization];
    this.#jsonHeaders = { 'content-type': 'application/json', authorization };
  }

  execute(_call: string, body: string, sink: CallSink): CallInFlight {
    return this.#send('/execute', body, sink);
  }

  stream(_call: string, body: string, sink: CallSink): CallInFlight {
    return this.#send('/execute_stream', body, sink);
  }

  #send(path: string, body: string, sink: CallSink): CallInFlight {
    const answer = new CallAnswer(this.#plugin, sink);
    if (this.#closed) answer.onResponseError(undefined, new Error('The channel is closed.'));
    else this.#calls.dispatch({ path, method: 'POST', headers: this.#headers, body }, answer);
    return answer;
  }

  async cancel(call: string): Promise<CancelOutcome> {
    const answer = (await this.#ask(this.#control, 'POST', '/cancel', { call })) as { outcome?: CancelOutcome } | null;
    return answer?.outcome ?? 'unknown';
  }

  async health(signal: AbortSignal): Promise<Health> {
    return (await this.#ask(this.#control, 'GET', '/health', undefined, signal)) as Health;
  }

  async initialize(config: unknown, signal: AbortSignal): Promise<void> {
    await this.#ask(this.#admin, 'POST', '/initialize', { config }, signal);
  }

  config(signal: AbortSignal): Promise<unknown> {
    return this.#ask(this.#admin, 'GET', '/config', undefined, signal);
  }

  configSchema(signal: AbortSignal): Promise<unknown> {
    return this.#ask(this.#admin, 'GET', '/config_schema', undefined, signal);
  }

  async release(signal: AbortSignal): Promise<boolean> {
    const answer = (await this.#ask(this.#admin, 'POST', '/release', {}, signal)) as { outcome?: string } | null;
    return answer?.outcome === 'released';
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

  async #ask(
    client: Client | Pool,
    method: 'GET' | 'POST',
    path: string,
    body?: unknown,
    signal?: AbortSignal,
  ): Promise<unknown> {
    let status: number;
    let text: string;
    try {
      const response = await client.request({
        path,
        method,
        headers: this.#jsonHeaders,
        body: body === undefined ? null : JSON.stringify(body),
        ...(signal === undefined ? {} : { signal }),
      });
      status = response.statusCode;
      text = await response.body.text();
    } catch (error) {
      throw brokenError(this.#plugin, error);
    }
    const answer = parseAnswer(this.#plugin, path, status, text);
    if (answer instanceof GreenroomError) throw answer;
    return answer;
  }
}

/** The answer to anything but a call: its JSON, or the error that it is. */
function parseAnswer(plugin: string, path: string, status: number, text: string): unknown {
  let value: unknown;
  try {
    value = text === '' ? null : JSON.parse(text);
  } catch (error) {
    return protocolError(
      plugin,
      `answered ${path} with status ${status} and what is not JSON: ${text.slice(0, 80)}`,
      error,
    );
  }
  if (status === 200) return value;
  if (typeof value === 'object' && value !== null && 'error' in value) return remoteError(plugin, value.error);
  return protocolError(plugin, `answered ${path} with status ${status}`);
}

/** One call's answer as undici hands it over; a plain JSON body or a body of frames. One object a call, and no stream. */
class CallAnswer implements CallInFlight {
  readonly #plugin: string;
  #sink: CallSink | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #frames: FrameReader | undefined;
  #body: Buffer | undefined;
  #more: Buffer[] | undefined;
  /** Asked for before there was anything to pause. */
  #pauseWanted = false;

  constructor(plugin: string, sink: CallSink) {
    this.#plugin = plugin;
    this.#sink = sink;
  }

  pause(): void {
    this.#pauseWanted = true;
    this.#controller?.pause();
  }

  resume(): void {
    this.#pauseWanted = false;
    this.#controller?.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.#status = status;
    const type = headers['content-type'];
    if (
      status === 200 &&
      typeof type === 'string' &&
      type.startsWith('application/x-ndjson') &&
      this.#sink !== undefined
    ) {
      this.#frames = new FrameReader(this.#plugin, this.#sink);
    }
    if (this.#pauseWanted) controller.pause();
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#frames !== undefined) this.#frames.write(chunk);
    else if (this.#body === undefined) this.#body = chunk;
    else if (this.#more === undefined) this.#more = [this.#body, chunk];
    else this.#more.push(chunk);
  }

  onResponseEnd(): void {
    const sink = this.#takeSink();
    if (sink === undefined) return;
    if (this.#frames !== undefined) {
      if (!this.#frames.end()) sink.onError(brokenError(this.#plugin));
      return;
    }
    const text = this.#more === undefined ? (this.#body?.toString() ?? '') : Buffer.concat(this.#more).toString();
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      sink.onError(
        protocolError(
          this.#plugin,
          `answered a call with status ${this.#status} and what is not JSON: ${text.slice(0, 80)}`,
          error,
        ),
      );
      return;
    }
    const isObject = typeof value === 'object' && value !== null;
    if (this.#status === 200 && isObject && 'result' in (value as object))
      sink.onResult((value as { result: unknown }).result);
    else if (isObject && 'error' in (value as object))
      sink.onError(remoteError(this.#plugin, (value as { error: unknown }).error));
    else
      sink.onError(
        protocolError(this.#plugin, `answered a call with status ${this.#status} and neither a result nor an error`),
      );
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    const sink = this.#takeSink();
    if (sink === undefined || this.#frames?.done === true) return;
    sink.onError(brokenError(this.#plugin, error));
  }

  #takeSink(): CallSink | undefined {
    const sink = this.#sink;
    this.#sink = undefined;
    return sink;
  }
}
