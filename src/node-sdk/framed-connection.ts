import type { Socket } from 'node:net';
import { FRAME, type Frame } from '../framing/frame.ts';
import { BadFrame, FrameDecoder } from '../framing/frame-decoder.ts';
import { FrameSender } from '../framing/frame-sender.ts';
import { fitsShared, isWithinShared } from '../framing/shared-limit.ts';
import type { PlacedBytes } from '../json/placed-bytes.ts';
import type { CallKind } from './answer-call.ts';
import { readCallBody } from './call-body.ts';
import { type AnswerConnection, FramedCallAnswer } from './framed-call-answer.ts';
import type { KeptAnswers } from './kept-answers.ts';
import { Promise, parse } from './originals.ts';
import type { PluginCalls } from './plugin-calls.ts';
import { createPluginLog } from './plugin-log.ts';
import { isSameText } from './request-guard.ts';

/** What the connections of a worker share. */
export interface ConnectionSettings {
  readonly token: string;
  /** The text of the frame `welcome`. */
  readonly welcome: string;
  readonly calls: PluginCalls;
  readonly kept: KeptAnswers;
}

/** More than that is not read of who has not said the token. */
const MAX_HELLO_BYTES = 4 * 1024;

/** One connection for calls as frames. Frames that the protocol does not allow close it; its calls are aborted then. */
export class FramedConnection implements AnswerConnection {
  readonly #socket: Socket;
  readonly #settings: ConnectionSettings;
  readonly #decoder = new FrameDecoder((frame) => this.#onFrame(frame));
  readonly #sender: FrameSender;
  readonly #answers = new Map<number, FramedCallAnswer>();
  #state: 'new' | 'shared' | 'unshared' | 'closed' = 'new';
  #received = 0;
  #drained: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  constructor(socket: Socket, settings: ConnectionSettings) {
    this.#socket = socket;
    this.#settings = settings;
    this.#sender = new FrameSender(socket);
    socket.on('data', (data: Buffer) => this.#onData(data));
    socket.on('drain', () => this.#onDrained());
    // The event `close` follows each of these.
    socket.on('end', () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => this.#onClosed());
  }

  get isBehind(): boolean {
    return this.#state !== 'closed' && this.#sender.isBehind;
  }

  drained(): Promise<void> {
    if (this.#drained === undefined) {
      let resolve = (): void => {};
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      this.#drained = { promise, resolve };
    }
    return this.#drained.promise;
  }

  send(type: number, call: number, text: string, placed?: readonly PlacedBytes[]): void {
    if (this.#state !== 'closed') this.#sender.send(type, call, text, placed);
  }

  flush(): void {
    if (this.#state !== 'closed') this.#sender.flush();
  }

  end(type: number, call: number, text: string, placed: readonly PlacedBytes[] = []): void {
    this.#answers.delete(call);
    if (this.#state === 'unshared') {
      this.#sender.sendNow(type, call, text, placed);
      return;
    }
    if (this.#state === 'closed' || fitsShared(text, placed)) {
      this.send(type, call, text, placed);
      return;
    }
    this.#settings.kept.keep(this, call, { type, text, placed });
    this.send(FRAME.large, call, '');
  }

  #onData(data: Buffer): void {
    try {
      this.#decoder.write(data);
      if (this.#state === 'new') this.#refuseLongHello(data.length);
    } catch (error) {
      // Who has not said the token is told nothing, and has nothing said of it.
      if (this.#state !== 'new') {
        createPluginLog().warn(`A connection for calls was closed, as it sent ${(error as Error).message}.`);
      }
      this.#socket.destroy();
      this.#onClosed();
    }
  }

  #refuseLongHello(length: number): void {
    this.#received += length;
    if (this.#received > MAX_HELLO_BYTES) throw new BadFrame('a first frame that is too long');
  }

  #onFrame(frame: Frame): void {
    if (this.#state === 'new') {
      this.#greet(frame);
      return;
    }
    switch (frame.type) {
      case FRAME.execute:
        this.#onCall('execute', frame);
        break;
      case FRAME.stream:
        this.#onCall('stream', frame);
        break;
      case FRAME.fetch:
        this.#onFetch(frame);
        break;
      default:
        throw new BadFrame(`a frame of type ${frame.type}, which does not belong there`);
    }
  }

  #greet({ type, call, text }: Frame): void {
    if (type !== FRAME.hello || call !== 0) throw new BadFrame('no hello');
    const { token, shared } = parse(text) as { readonly token?: unknown; readonly shared?: unknown };
    if (typeof token !== 'string' || !isSameText(token, this.#settings.token)) throw new BadFrame('a wrong token');
    this.#state = shared === true ? 'shared' : 'unshared';
    this.send(FRAME.welcome, 0, this.#settings.welcome);
  }

  #onCall(kind: CallKind, frame: Frame): void {
    const { call, text } = frame;
    if (call === 0) throw new BadFrame('a call without a number');
    if (this.#answers.has(call) || this.#settings.kept.has(call)) {
      throw new BadFrame(`call ${call} while another of this number runs`);
    }
    if (this.#state === 'shared') {
      if (kind === 'stream') throw new BadFrame('a stream on a shared connection');
      if (!isWithinShared(text, frame.places, frame.bytes.byteLength))
        throw new BadFrame('a call that is too long for a shared connection');
    } else if (this.#answers.size > 0) {
      throw new BadFrame('a second call on a connection that is not shared');
    }
    const answer = new FramedCallAnswer(this, call);
    this.#answers.set(call, answer);
    void this.#settings.calls.answer(kind, readCallBody(text, frame), answer);
  }

  #onFetch({ call }: Frame): void {
    if (this.#state === 'shared') throw new BadFrame('fetch on a shared connection');
    if (this.#answers.size > 0) throw new BadFrame('fetch while a call runs');
    const kept = this.#settings.kept.take(call);
    if (kept === undefined) throw new BadFrame(`fetch of call ${call}, of which nothing is kept`);
    this.send(kept.type, call, kept.text, kept.placed);
  }

  #onDrained(): void {
    const drained = this.#drained;
    this.#drained = undefined;
    drained?.resolve();
  }

  #onClosed(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#settings.kept.dropAllOf(this);
    for (const answer of this.#answers.values()) answer.abort();
    this.#answers.clear();
    this.#onDrained();
  }
}
