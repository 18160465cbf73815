import { randomBytes } from 'node:crypto';
import { GreenroomError } from '../errors.ts';
import { type Boot, type Handshake, PROTOCOL_VERSIONS, type ProtocolVersion } from '../protocol.ts';
import { parseHandshake } from './handshake.ts';
import type { SocketDirectory } from './socket-directory.ts';
import type { StartRequest } from './start-request.ts';

/** Where a kind of worker reads its boot line. */
export interface BootLine {
  /** Standard input, to which standard output answers, or 3, which answers itself. */
  readonly descriptor: 0 | 3;
  /** Whether the worker does nothing of the plugin's before it has read the line. */
  readonly waits: boolean;
}

type ExchangeRequest = Pick<StartRequest, 'plugin' | 'concurrency' | 'protocol' | 'openSockets'>;

/** What the worker protocol adds to one worker's process: what only this start knows, its boot line and its handshake. */
export class HandshakeExchange implements BootLine {
  /** Identifies this start. */
  readonly nonce = randomBytes(16).toString('hex');
  /** The bearer token of this worker's requests. */
  readonly token = randomBytes(24).toString('hex');
  readonly descriptor: 0 | 3;
  readonly waits: boolean;
  readonly #request: ExchangeRequest;
  readonly #offered: readonly ProtocolVersion[];
  readonly #sockets: SocketDirectory | undefined;
  #answer: Handshake | GreenroomError | undefined;
  #onAnswer: (() => void) | undefined;

  constructor(request: ExchangeRequest, { descriptor, waits }: BootLine) {
    this.#request = request;
    this.descriptor = descriptor;
    this.waits = waits;
    this.#offered = PROTOCOL_VERSIONS.filter((version) => version <= request.protocol);
    this.#sockets = request.openSockets();
  }

  /** The line that the worker is sent, without its end. */
  get bootLine(): string {
    const { plugin, concurrency } = this.#request;
    const sockets = this.#sockets;
    const boot: Boot = {
      protocol: this.#offered,
      nonce: this.nonce,
      token: this.token,
      listen:
        sockets === undefined
          ? { tcp: '127.0.0.1' }
          : { unix: sockets.worker, control: sockets.control, frames: sockets.frames },
      plugin,
      concurrency,
    };
    return JSON.stringify(boot);
  }

  /** Whether the worker has answered, rightly or wrongly. */
  get isAnswered(): boolean {
    return this.#answer !== undefined;
  }

  /** Takes a line that the worker has written. Whether it belongs to the handshake: no other line is taken. */
  take(line: string): boolean {
    if (this.#answer !== undefined) return false;
    this.#answer = parseHandshake(line, this.#request.plugin.name, this.nonce, this.#offered);
    // An SDK ends the line before its handshake, as the plugin may have printed without a line break.
    if (this.#answer === undefined) return line === '' && this.waits;
    this.#onAnswer?.();
    return true;
  }

  /** The handshake once it is written; rejects with `E_HANDSHAKE`, or the signal's reason. */
  answer(signal: AbortSignal): Promise<Handshake> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        if (this.#answer instanceof GreenroomError) reject(this.#answer);
        else if (this.#answer !== undefined) resolve(this.#answer);
      };
      this.#onAnswer = settle;
      settle();
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  }

  /** The worker is gone: removes its sockets. Idempotent. */
  async close(): Promise<void> {
    await this.#sockets?.remove();
  }
}
