import { createHash } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import type { Redis } from 'ioredis';
import { GreenroomError, messageOf } from '../../errors.ts';
import { Listeners } from '../../events/listeners.ts';
import { checkServer } from './check-server.ts';
import type { LinkHealth } from './link-health.ts';
import { redisAddress } from './redis-address.ts';
import { isFull, isLoss, isRefusal, isUnsent, noAnswer, redisFault, saysNothing } from './redis-fault.ts';
import { redisPeers } from './redis-peers.ts';

/** What a link is opened with. */
export interface RedisLinkOptions {
  /** `redis://user:password@host:port/database`, `rediss://` for TLS, `unix://` and the path of a socket. */
  readonly url: string;
  /** What all keys of Greenroom begin with: `greenroom` by default. */
  readonly prefix?: string | undefined;
  /** Told in a sentence what may be lost as this Redis is set up. */
  readonly onWarning?: ((message: string) => void) | undefined;
  /** Told of what listeners throw. */
  readonly onListenerError?: ((error: unknown) => void) | undefined;
}

/** A part of a command. */
export type CommandPart = string | number | Buffer;

/** Lua, and its name at the server. */
export class LinkScript {
  readonly lua: string;
  readonly sha: string;

  constructor(lua: string) {
    this.lua = lua;
    this.sha = createHash('sha1').update(lua).digest('hex');
  }
}

/** How long an answer is waited for, in milliseconds. */
const ANSWER_MS = 4_500;

/** How long a lost connection may not yet know that it is, in milliseconds. */
const CLOSING_MS = 10;

/** How long is waited before the next attempt to connect, at most, in milliseconds. */
const RECONNECT_MS = 1_000;

/**
 * The connections of a program to one Redis: one for commands, and one for what others publish. Where Redis is away, a
 * command waits for it for a few seconds, then rejects; nothing is sent after that.
 */
export class RedisLink implements AsyncDisposable {
  readonly prefix: string;
  /** Where the Redis is, for messages: without credentials. */
  readonly address: string;
  /** @internal BullMQ's scripts as functions of one table `bull`. */
  readonly bullScripts: string;
  readonly #commands: Redis;
  readonly #subscriber: Redis;
  readonly #onHealth: Listeners<LinkHealth>;
  readonly #channels = new Map<string, Set<(text: string) => void>>();
  readonly #willBeReady = new Map<Redis, Promise<void>>();
  #health: LinkHealth = { state: 'connected', since: Date.now() };
  #lastError: unknown;
  #isClosed = false;

  private constructor(
    { prefix = 'greenroom', onListenerError = () => {} }: RedisLinkOptions,
    address: string,
    bullScripts: string,
    [commands, subscriber]: readonly [Redis, Redis],
  ) {
    this.prefix = prefix;
    this.address = address;
    this.bullScripts = bullScripts;
    this.#commands = commands;
    this.#subscriber = subscriber;
    this.#onHealth = new Listeners(onListenerError);
    for (const client of [commands, subscriber])
      client.on('error', (error: unknown) => {
        letFail(client);
        if (!saysNothing(error)) this.#lastError = error;
      });
    commands.on('close', () => this.#setHealth('cutOff'));
    commands.on('ready', () => this.#setHealth('connected'));
    subscriber.on('message', (channel: string, text: string) => {
      for (const listener of this.#channels.get(channel) ?? []) listener(text);
    });
  }

  /**
   * Connects. Rejects with `E_OPTIONS` for an address that is none, and with `E_JOB_STORE` where the packages are missing,
   * or the Redis does not answer within 5 s, refuses the password, is part of a cluster, or is no Redis that fits.
   */
  static async open(options: RedisLinkOptions): Promise<RedisLink> {
    const { options: where, shown } = redisAddress(options.url);
    const { Redis: Client, bullScripts } = await redisPeers();
    const settings = {
      ...where,
      lazyConnect: true,
      connectionName: 'greenroom',
      connectTimeout: ANSWER_MS,
      // What is sent later, or again, may come after its sender has been told that it failed.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      // What is on its way when the connection is lost is refused then.
      maxRetriesPerRequest: 0,
      retryStrategy: (attempt: number) => Math.min(50 * 2 ** Math.min(attempt, 10), RECONNECT_MS),
    };
    const link = new RedisLink(options, shown, bullScripts, [new Client(settings), new Client(settings)]);
    // To what is not meant for it, a server says nothing, or ends the connection.
    link.#lastError = new Error(
      where.tls === undefined
        ? 'if it speaks TLS at this port, its URL begins with rediss://'
        : 'if it has no TLS at this port, its URL begins with redis://',
    );
    try {
      await link.#connect();
      for (const warning of await checkServer(link)) options.onWarning?.(warning);
      return link;
    } catch (error) {
      await link.close();
      throw redisFault(error, shown);
    }
  }

  async #connect(): Promise<void> {
    const refused = new Promise<never>((_, reject) => {
      for (const client of [this.#commands, this.#subscriber])
        client.on('error', (error: unknown) => {
          // Asked again, it says the same.
          if (isRefusal(error)) reject(error);
        });
    });
    refused.catch(() => {});
    for (const client of [this.#commands, this.#subscriber]) client.connect().catch(() => {});
    const ready = Promise.all([this.#ready(this.#commands), this.#ready(this.#subscriber)]);
    await this.#inTime(Promise.race([refused, ready]), () => {});
  }

  /** How the link is. */
  get health(): LinkHealth {
    return this.#health;
  }

  /** Calls back when it is otherwise. Returns how to stop. */
  onHealth(listener: (health: LinkHealth) => void): () => void {
    return this.#onHealth.add(listener);
  }

  /** A key of ours. */
  key(...parts: readonly string[]): string {
    return [this.prefix, ...parts].join(':');
  }

  /** Sends a command; its answer has text for strings. Rejects with `E_JOB_STORE`, within 5 s. */
  send(command: readonly CommandPart[]): Promise<unknown> {
    const [name = '', ...args] = command;
    return this.#ask((client) => client.call(String(name), args as string[]));
  }

  /** Sends commands at once; rejects where one of them is refused. */
  sendAll(commands: readonly (readonly CommandPart[])[]): Promise<readonly unknown[]> {
    return this.#pipeline(commands, false);
  }

  /** @internal As {@link sendAll}, with bytes for strings. */
  sendAllForBytes(commands: readonly (readonly CommandPart[])[]): Promise<readonly unknown[]> {
    return this.#pipeline(commands, true);
  }

  /**
   * @internal Runs a script; its answer has bytes for strings.
   *
   * @param isRepeatable whether it may run twice, where the connection was lost before its answer came
   */
  async run(script: LinkScript, args: readonly CommandPart[], isRepeatable: boolean): Promise<unknown> {
    return this.#ask(async (client) => {
      try {
        return await client.callBuffer('EVALSHA', script.sha, '0', ...(args as string[]));
      } catch (error) {
        // The server is new, or was restarted.
        if (!messageOf(error).startsWith('NOSCRIPT')) throw error;
        return client.callBuffer('EVAL', script.lua, '0', ...(args as string[]));
      }
    }, isRepeatable);
  }

  /** Listens to what is published in a channel. Returns how to stop. */
  async subscribe(channel: string, listener: (text: string) => void): Promise<() => void> {
    const listeners = this.#channels.get(channel) ?? new Set();
    const isFirst = listeners.size === 0;
    listeners.add(listener);
    this.#channels.set(channel, listeners);
    if (isFirst) {
      await this.#ready(this.#subscriber);
      // Subscribed to again by itself when the connection was lost.
      await this.#subscriber.subscribe(channel);
    }
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0 || this.#channels.get(channel) !== listeners) return;
      this.#channels.delete(channel);
      if (this.#subscriber.status === 'ready') this.#subscriber.unsubscribe(channel).catch(() => {});
    };
  }

  /** Ends the connections. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const client of [this.#commands, this.#subscriber]) {
      letFail(client);
      client.disconnect();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #pipeline(commands: readonly (readonly CommandPart[])[], forBytes: boolean): Promise<readonly unknown[]> {
    if (commands.length === 0) return Promise.resolve([]);
    return this.#ask(async (client) => {
      const pipeline = client.pipeline();
      for (const [name = '', ...args] of commands)
        if (forBytes) pipeline.callBuffer(String(name), ...(args as string[]));
        else pipeline.call(String(name), ...(args as string[]));
      return ((await pipeline.exec()) ?? []).map(([error, answer]) => {
        if (error !== null) throw error;
        return answer;
      });
    });
  }

  /** @param isRepeatable whether it may be asked again where the connection was lost before it was answered */
  async #ask<Answer>(act: (client: Redis) => Promise<Answer>, isRepeatable = false): Promise<Answer> {
    if (this.#isClosed) throw new GreenroomError('E_JOB_STORE', `The link to the Redis at ${this.address} was closed.`);
    const client = this.#commands;
    let isLate = false;
    const send = async (): Promise<Answer> => {
      for (;;) {
        if (client.status !== 'ready') await this.#ready(client);
        if (isLate) throw noAnswer(this.address, this.#lastError);
        try {
          return await act(client);
        } catch (error) {
          if (isUnsent(error)) await new Promise((resolve) => setTimeout(resolve, CLOSING_MS));
          else if (!isLoss(error) || !isRepeatable) throw error;
        }
      }
    };
    try {
      const answer = await this.#inTime(send(), () => {
        isLate = true;
        // It may hang for good, and with it everything that is sent.
        if (client.status === 'ready') client.disconnect(true);
      });
      this.#lastError = undefined;
      this.#setHealth('connected');
      return answer;
    } catch (error) {
      if (isFull(error)) this.#setHealth('full', error);
      throw redisFault(error, this.address);
    }
  }

  /** Rejects where an answer takes too long. */
  async #inTime<Answer>(answer: Promise<Answer>, onLate: () => void): Promise<Answer> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        onLate();
        const error = noAnswer(this.address, this.#lastError);
        this.#setHealth('cutOff', this.#lastError ?? error);
        reject(error);
      }, ANSWER_MS);
    });
    // It may still fail when nothing waits for it any more.
    answer.catch(() => {});
    try {
      return await Promise.race([late, answer]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Resolves once a connection stands. */
  #ready(client: Redis): Promise<void> {
    if (client.status === 'ready') return Promise.resolve();
    let ready = this.#willBeReady.get(client);
    if (ready === undefined) {
      ready = new Promise<void>((resolve) => {
        client.once('ready', () => {
          this.#willBeReady.delete(client);
          resolve();
        });
      });
      this.#willBeReady.set(client, ready);
    }
    return ready;
  }

  #setHealth(state: LinkHealth['state'], reason?: unknown): void {
    if (this.#isClosed || this.#health.state === state) return;
    const said = state === 'connected' ? undefined : messageOf(reason ?? this.#lastError ?? 'the connection was lost');
    this.#health = { state, since: Date.now(), reason: said };
    this.#onHealth.notify(this.#health);
  }
}

/**
 * Of a connection that ends, ioredis hears one error. With TLS there may be another, of the peer that had not heard of the
 * end, and one that nobody hears ends the program.
 */
function letFail(client: Redis): void {
  const { connector } = client as unknown as { readonly connector: { readonly stream?: EventEmitter } };
  connector.stream?.on('error', () => {});
}
