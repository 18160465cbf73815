import { FRAME } from '../framing/frame.ts';
import { FrameConnection, type FrameSite } from './frame-connection.ts';
import type { OpenSocket } from './frame-socket.ts';
import type { FramedAnswer } from './framed-answer.ts';
import { brokenError } from './remote-error.ts';

/** How many connections without a call are kept for the next ones. */
const MAX_FREE = 8;

/** What connections are made of. */
export interface FrameConnectionsOptions {
  readonly plugin: string;
  readonly token: string;
  readonly nonce: string;
  readonly open: OpenSocket;
}

/**
 * The connections to one worker over which frames are sent, opened as they are needed: one that calls share, and others
 * for one call at a time.
 */
export class FrameConnections implements FrameSite {
  readonly plugin: string;
  readonly token: string;
  readonly nonce: string;
  readonly open: OpenSocket;
  readonly calls = new Map<number, FramedAnswer>();
  readonly #open = new Set<FrameConnection>();
  #free: FrameConnection[] = [];
  #shared: FrameConnection | undefined;

  constructor({ plugin, token, nonce, open }: FrameConnectionsOptions) {
    this.plugin = plugin;
    this.token = token;
    this.nonce = nonce;
    this.open = open;
  }

  /** The one that calls share. */
  shared(): FrameConnection {
    this.#shared ??= this.#connect(true);
    return this.#shared;
  }

  /** One without a call. */
  unshared(): FrameConnection {
    return this.#free.pop() ?? this.#connect(false);
  }

  /** Ends all of them, and with `E_CRASHED` their calls. */
  close(cause: Error): void {
    for (const connection of [...this.#open]) connection.end(() => brokenError(this.plugin, cause));
  }

  fetch(answer: FramedAnswer): void {
    this.unshared().send(answer, FRAME.fetch, '', []);
  }

  onFree(connection: FrameConnection): void {
    if (this.#free.length < MAX_FREE) this.#free.push(connection);
    else connection.end(() => brokenError(this.plugin));
  }

  onEnd(connection: FrameConnection): void {
    this.#open.delete(connection);
    if (connection === this.#shared) this.#shared = undefined;
    else this.#free = this.#free.filter((each) => each !== connection);
  }

  #connect(isShared: boolean): FrameConnection {
    const connection = new FrameConnection(this, isShared);
    this.#open.add(connection);
    return connection;
  }
}
