import type { Client, Pool } from 'undici';
import { GreenroomError } from '../errors.ts';
import type { CancelOutcome, Health } from '../protocol.ts';
import { CallAnswer } from './call-answer.ts';
import { callBody } from './encoded-input.ts';
import { FrameReader } from './frames.ts';
import { protocolError, remoteError } from './remote-error.ts';
import { readToolList } from './tool-list.ts';
import type { CallInFlight, CallSink, ConfigChannel, OutgoingCall, SendCall, WorkerChannel } from './worker-channel.ts';
import { connectTo, requestJson } from './worker-connections.ts';

/** Where a worker listens, and how many calls it takes at once. */
export interface ChannelOptions {
  readonly plugin: string;
  /** `unix:/path` or `tcp:host:port`. */
  readonly address: string;
  /** The address of health and cancel, in the same form. */
  readonly control: string;
  readonly token: string;
  readonly concurrency: number;
  /** What it said in its handshake that it can do. */
  readonly capabilities: readonly string[];
}

/** The channel to a worker that speaks the protocol. */
export function createUndiciChannel(options: ChannelOptions): UndiciChannel {
  return new UndiciChannel(options);
}

const OUTCOMES: ReadonlySet<unknown> = new Set<CancelOutcome>(['requested', 'unsupported', 'unknown']);

/** See {@link createUndiciChannel}. */
export class UndiciChannel implements WorkerChannel {
  readonly #plugin: string;
  readonly #calls: Client | Pool;
  readonly #control: Client | Pool;
  /** Config, release and cleanup have a connection of their own, so that they never wait behind a call's answer. */
  readonly #admin: Client | Pool;
  readonly #callHeaders: string[];
  readonly #headers: Record<string, string>;
  readonly #capabilities: readonly string[];
  /** An own property in any case, so that all channels are of one shape. */
  readonly stream: SendCall | undefined;
  readonly tools: WorkerChannel['tools'];
  readonly config: ConfigChannel;
  #closed = false;

  constructor({ plugin, address, control, token, concurrency, capabilities }: ChannelOptions) {
    this.#plugin = plugin;
    this.#capabilities = capabilities;
    this.#calls = connectTo(address, concurrency);
    this.#admin = connectTo(address, 1);
    this.#control = connectTo(control, 1);
    this.#headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
    this.#callHeaders = Object.entries(this.#headers).flat();
    this.stream = capabilities.includes('stream')
      ? (call, sink) => this.#send('/execute_stream', call, new Answer(plugin, 'stream', call, sink))
      : undefined;
    this.tools = capabilities.includes('tools')
      ? async (signal) => readToolList(plugin, await this.#ask(this.#admin, 'GET', '/tools', undefined, signal))
      : undefined;
    this.config = {
      initialize: async (config, signal) => {
        await this.#ask(this.#admin, 'POST', '/initialize', { config }, signal);
      },
      get: (signal) => this.#ask(this.#admin, 'GET', '/config', undefined, signal),
      schema: (signal) => this.#ask(this.#admin, 'GET', '/config_schema', undefined, signal),
    };
  }

  execute(call: OutgoingCall, sink: CallSink): CallInFlight {
    return this.#send('/execute', call, new Answer(this.#plugin, 'execute', call, sink));
  }

  async cancel(call: string): Promise<CancelOutcome> {
    const outcome = field(await this.#ask(this.#control, 'POST', '/cancel', { call }), 'outcome');
    if (!OUTCOMES.has(outcome)) throw protocolError(this.#plugin, `answered /cancel with outcome ${String(outcome)}`);
    return outcome as CancelOutcome;
  }

  async health(signal: AbortSignal): Promise<Health> {
    const health = await this.#ask(this.#control, 'GET', '/health', undefined, signal);
    if (!isHealth(health)) throw protocolError(this.#plugin, 'answered /health without status, pid or nonce');
    return health;
  }

  async release(signal: AbortSignal): Promise<boolean> {
    return field(await this.#ask(this.#admin, 'POST', '/release', {}, signal), 'outcome') === 'released';
  }

  async cleanup(signal: AbortSignal): Promise<void> {
    const isNeeded =
      this.#capabilities.includes('cleanup') ||
      // Cancelled calls may still be ending.
      (this.#capabilities.includes('settle') && this.#calls.stats.running > 0);
    if (isNeeded) await this.#ask(this.#admin, 'POST', '/cleanup', {}, signal);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const cause = new Error('The channel was closed.');
    for (const client of [this.#calls, this.#admin, this.#control]) client.destroy(cause).catch(() => {});
  }

  #send(path: string, { id, input, tool }: OutgoingCall, answer: Answer): CallInFlight {
    if (input.bytes.length > 0) queueMicrotask(() => answer.sink.onError(noBytesError(this.#plugin)));
    else {
      const body = callBody(id, input, tool);
      this.#calls.dispatch({ path, method: 'POST', headers: this.#callHeaders, body }, answer);
    }
    return answer;
  }

  #ask(
    client: Client | Pool,
    method: 'GET' | 'POST',
    path: string,
    body?: unknown,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const errorIn = (answer: unknown): GreenroomError | undefined => {
      const error = field(answer, 'error');
      return error === undefined ? undefined : remoteError(this.#plugin, error);
    };
    return requestJson({
      plugin: this.#plugin,
      client,
      headers: this.#headers,
      method,
      path,
      body,
      signal,
      errorIn,
    });
  }
}

/** `{"result": …}`, `{"error": …}`, or frames. */
class Answer extends CallAnswer {
  protected override readLines(): FrameReader {
    return new FrameReader(this.plugin, this.kind, this.sink, this.integers);
  }

  protected override isError(_status: number, answer: unknown): boolean {
    return field(answer, 'error') !== undefined && field(answer, 'result') === undefined;
  }

  protected override readWhole(status: number, answer: unknown): boolean {
    if (typeof answer !== 'object' || answer === null) return false;
    if (status === 200 && 'result' in answer && this.kind === 'execute') this.sink.onResult(answer.result);
    else if ('error' in answer) this.sink.onError(remoteError(this.plugin, answer.error));
    else return false;
    return true;
  }
}

/** A worker of an SDK is sent bytes over the newer wire. */
function noBytesError(plugin: string): GreenroomError {
  const message = `The input of a call to "${plugin}" has bytes, and its worker speaks version 1 of the worker protocol, which carries only JSON: pass them as base64, or as the path of a file.`;
  return new GreenroomError('E_SERIALIZE', message, { plugin });
}

function field(answer: unknown, name: string): unknown {
  return typeof answer === 'object' && answer !== null ? (answer as Record<string, unknown>)[name] : undefined;
}

function isHealth(answer: unknown): answer is Health {
  return (
    field(answer, 'status') === 'ok' &&
    typeof field(answer, 'pid') === 'number' &&
    typeof field(answer, 'nonce') === 'string'
  );
}
