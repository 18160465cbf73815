import { isAbsolute } from 'node:path';
import type { Client, Pool } from 'undici';
import type { GreenroomError } from '../errors.ts';
import type { CancelOutcome, Health } from '../protocol.ts';
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

const OUTCOMES: ReadonlySet<unknown> = new Set<CancelOutcome>(['requested', 'unsupported', 'unknown']);

/** What all channels of the worker protocol share, as it is HTTP in every version: everything that is no call. */
export abstract class RequestingChannel implements WorkerChannel {
  protected readonly plugin: string;
  protected readonly headers: Readonly<Record<string, string>>;
  readonly #control: Client | Pool;
  /** Config, release and cleanup have a connection of their own, so that they never wait behind a call's answer. */
  readonly #admin: Client | Pool;
  readonly #capabilities: readonly string[];
  /** An own property in any case, so that all channels are of one shape. */
  readonly stream: SendCall | undefined;
  readonly tools: WorkerChannel['tools'];
  readonly code: WorkerChannel['code'];
  readonly config: ConfigChannel;
  #closed = false;

  constructor({ plugin, address, control, token, capabilities }: ChannelOptions) {
    this.plugin = plugin;
    this.#capabilities = capabilities;
    this.#admin = connectTo(address, 1);
    this.#control = connectTo(control, 1);
    this.headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
    this.stream = capabilities.includes('stream') ? (call, sink) => this.sendStream(call, sink) : undefined;
    this.tools = capabilities.includes('tools')
      ? async (signal) => readToolList(plugin, await this.#ask(this.#admin, 'GET', '/tools', undefined, signal))
      : undefined;
    this.code = capabilities.includes('code')
      ? async (signal) => readLoadedCode(plugin, await this.#ask(this.#admin, 'GET', '/code', undefined, signal))
      : undefined;
    this.config = {
      initialize: async (config, signal) => {
        await this.#ask(this.#admin, 'POST', '/initialize', { config }, signal);
      },
      get: (signal) => this.#ask(this.#admin, 'GET', '/config', undefined, signal),
      schema: (signal) => this.#ask(this.#admin, 'GET', '/config_schema', undefined, signal),
    };
  }

  abstract execute(call: OutgoingCall, sink: CallSink): CallInFlight;

  protected abstract sendStream(call: OutgoingCall, sink: CallSink): CallInFlight;

  /** How many calls the worker has not answered. */
  protected abstract get running(): number;

  /** Breaks the connections of calls. Called once. */
  protected abstract closeCalls(cause: Error): void;

  async cancel(call: string): Promise<CancelOutcome> {
    const outcome = field(await this.#ask(this.#control, 'POST', '/cancel', { call }), 'outcome');
    if (!OUTCOMES.has(outcome)) throw protocolError(this.plugin, `answered /cancel with outcome ${String(outcome)}`);
    return outcome as CancelOutcome;
  }

  async health(signal: AbortSignal): Promise<Health> {
    const health = await this.#ask(this.#control, 'GET', '/health', undefined, signal);
    if (!isHealth(health)) throw protocolError(this.plugin, 'answered /health without status, pid or nonce');
    return health;
  }

  async release(signal: AbortSignal): Promise<boolean> {
    return field(await this.#ask(this.#admin, 'POST', '/release', {}, signal), 'outcome') === 'released';
  }

  async cleanup(signal: AbortSignal): Promise<void> {
    const isNeeded =
      this.#capabilities.includes('cleanup') ||
      // Cancelled calls may still be ending.
      (this.#capabilities.includes('settle') && this.running > 0);
    if (isNeeded) await this.#ask(this.#admin, 'POST', '/cleanup', {}, signal);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const cause = new Error('The channel was closed.');
    this.closeCalls(cause);
    for (const client of [this.#admin, this.#control]) client.destroy(cause).catch(() => {});
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
      return error === undefined ? undefined : remoteError(this.plugin, error);
    };
    return requestJson({ plugin: this.plugin, client, headers: this.headers, method, path, body, signal, errorIn });
  }
}

/** A field of an answer; undefined where it has none, or is no object. */
export function field(answer: unknown, name: string): unknown {
  return typeof answer === 'object' && answer !== null ? (answer as Record<string, unknown>)[name] : undefined;
}

/** Reads a worker's answer to `GET /code`. Throws `E_PROTOCOL` where it is no list of absolute paths. */
function readLoadedCode(plugin: string, answer: unknown): readonly string[] {
  const files = field(answer, 'files');
  const isList = Array.isArray(files) && files.every((file) => typeof file === 'string' && isAbsolute(file));
  if (!isList) throw protocolError(plugin, 'answered /code with files that are no list of absolute paths');
  return files;
}

function isHealth(answer: unknown): answer is Health {
  return (
    field(answer, 'status') === 'ok' &&
    typeof field(answer, 'pid') === 'number' &&
    typeof field(answer, 'nonce') === 'string'
  );
}
