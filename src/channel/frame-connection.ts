import type { Socket } from 'node:net';
import type { GreenroomError } from '../errors.ts';
import { FRAME, type Frame, MAX_SHARED_BYTES } from '../framing/frame.ts';
import { BadFrame, FrameDecoder } from '../framing/frame-decoder.ts';
import { FrameSender } from '../framing/frame-sender.ts';
import type { PlacedBytes } from '../json/placed-bytes.ts';
import { frameName } from './frame-name.ts';
import type { OpenSocket } from './frame-socket.ts';
import type { FramedAnswer } from './framed-answer.ts';
import { brokenError, protocolError } from './remote-error.ts';

/** What the connections to one worker share. */
export interface FrameSite {
  readonly plugin: string;
  readonly token: string;
  /** That of the worker's start, which it repeats. */
  readonly nonce: string;
  readonly open: OpenSocket;
  /** The calls that were not answered, by their numbers, over whichever connection. */
  readonly calls: Map<number, FramedAnswer>;
  /** Has the answer of a call sent over another connection. */
  fetch(answer: FramedAnswer): void;
  /** A connection that is not shared has no call. */
  onFree(connection: FrameConnection): void;
  /** A connection has ended; comes before its calls are told. */
  onEnd(connection: FrameConnection): void;
}

/** A frame that is sent once there is a connection. */
type Unsent = readonly [type: number, call: number, text: string, bytes: readonly PlacedBytes[]];

/**
 * One connection over which frames are sent: says hello, and gives each frame to its call. A frame that does not belong
 * there ends it, and with `E_PROTOCOL` its calls; if it breaks, they end with `E_CRASHED`.
 */
export class FrameConnection {
  readonly isShared: boolean;
  readonly #site: FrameSite;
  readonly #decoder: FrameDecoder;
  readonly #close: () => void;
  #state: 'greeting' | 'welcome' | 'ended' = 'greeting';
  #socket: Socket | undefined;
  #sender: FrameSender | undefined;
  #unsent: Unsent[] = [];
  #running = 0;
  #isPaused = false;
  #onGreeted: ((error: GreenroomError | undefined) => void) | undefined;

  constructor(site: FrameSite, isShared: boolean) {
    this.#site = site;
    this.isShared = isShared;
    this.#decoder = new FrameDecoder((frame) => this.#onFrame(frame), isShared ? MAX_SHARED_BYTES : undefined);
    this.#close = site.open({
      onOpen: (socket) => this.#onOpen(socket),
      onData: (data) => this.#onData(data),
      onBroken: (cause) => this.end((answer) => brokenError(site.plugin, broken(cause, answer))),
    });
  }

  /** Sends a frame of a call, whose answer comes over this connection from now on. */
  send(answer: FramedAnswer, type: number, text: string, bytes: readonly PlacedBytes[]): void {
    answer.connection = this;
    this.#running += 1;
    if (this.#running === 1) this.#socket?.ref();
    if (this.#sender === undefined) this.#unsent.push([type, answer.number, text, bytes]);
    else if (this.isShared) this.#sender.send(type, answer.number, text, bytes);
    else this.#sender.sendNow(type, answer.number, text, bytes);
  }

  /** Resolves once the worker has shown who it is; rejects with what ends the connection before. */
  greeted(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onGreeted = (error) => (error === undefined ? resolve() : reject(error));
    });
  }

  /** Reads nothing more until {@link resume}. Calls that share a connection must not hold up each other. */
  pause(): void {
    if (this.isShared) return;
    this.#isPaused = true;
    this.#socket?.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket?.resume();
  }

  /** Closes the connection and ends its calls; idempotent. */
  end(errorOf: (answer: FramedAnswer | undefined) => GreenroomError): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#unsent = [];
    this.#close();
    const { calls } = this.#site;
    const lost = this.#running === 0 ? [] : [...calls.values()].filter(({ connection }) => connection === this);
    for (const answer of lost) calls.delete(answer.number);
    this.#site.onEnd(this);
    this.#onGreeted?.(errorOf(undefined));
    for (const answer of lost) {
      answer.connection = undefined;
      answer.settle(errorOf(answer));
    }
  }

  #onOpen(socket: Socket): void {
    this.#socket = socket;
    if (this.#isPaused) socket.pause();
    const sender = new FrameSender(socket);
    this.#sender = sender;
    sender.send(FRAME.hello, 0, JSON.stringify({ token: this.#site.token, shared: this.isShared }));
    for (const [type, call, text, bytes] of this.#unsent) sender.send(type, call, text, bytes);
    this.#unsent = [];
  }

  #onData(data: Uint8Array): void {
    const { plugin } = this.#site;
    try {
      this.#decoder.write(data);
    } catch (error) {
      this.end(() =>
        error instanceof BadFrame ? protocolError(plugin, `sent ${error.message}`) : brokenError(plugin, error),
      );
    }
  }

  #onFrame(frame: Frame): void {
    if (this.#state !== 'welcome') return this.#takeWelcome(frame);
    const { type, call } = frame;
    const { calls } = this.#site;
    const answer = calls.get(call);
    if (answer?.connection !== this) {
      throw new BadFrame(`${frameName(type)} for call ${call}, which does not run on its connection`);
    }
    if (!answer.takes(type)) throw new BadFrame(`${frameName(type)} as an answer to ${answer.kind}`);
    if (type === FRAME.progress || type === FRAME.chunks) {
      // Of a call that shares its connection the rest is ignored; any other may go on for as long as it likes.
      if (!answer.takePart(frame) && !this.isShared) this.end(() => brokenError(this.#site.plugin));
      return;
    }
    if (type === FRAME.large) {
      this.#leave();
      answer.isFetched = true;
      this.#site.fetch(answer);
      return;
    }
    const outcome = answer.outcomeOf(frame);
    calls.delete(call);
    answer.connection = undefined;
    this.#leave();
    answer.settle(outcome);
  }

  #takeWelcome({ type, call, text }: Frame): void {
    if (this.#state === 'ended') return;
    if (type !== FRAME.welcome || call !== 0) throw new BadFrame(`${frameName(type)} before "welcome"`);
    if (nonceIn(text) !== this.#site.nonce) throw new BadFrame('a frame "welcome" without the nonce of its start');
    this.#state = 'welcome';
    this.#onGreeted?.(undefined);
    this.#onGreeted = undefined;
    if (this.#running === 0) this.#rest();
  }

  #leave(): void {
    this.#running -= 1;
    if (this.#running === 0) this.#rest();
  }

  /** Without a call, a connection keeps no program from its end. */
  #rest(): void {
    this.#socket?.unref();
    this.resume();
    if (!this.isShared) this.#site.onFree(this);
  }
}

/** That a result could not be fetched must not look as if its call had never been sent. */
function broken(cause: Error, answer: FramedAnswer | undefined): Error {
  return answer?.isFetched === true ? new Error('The result could not be fetched.', { cause }) : cause;
}

function nonceIn(text: string): unknown {
  try {
    return (JSON.parse(text) as { nonce?: unknown } | null)?.nonce;
  } catch {
    return undefined;
  }
}
