import { connect, type Socket } from 'node:net';
import { FRAME, type Frame } from '../../src/framing/frame.ts';
import { FrameDecoder } from '../../src/framing/frame-decoder.ts';
import { FrameSender } from '../../src/framing/frame-sender.ts';
import { writeJson } from '../../src/json/exact-json.ts';
import { type PlacedBytes, putBytes } from '../../src/json/placed-bytes.ts';
import { readJson } from '../../src/json/read-json.ts';

/** A frame with its value. */
export interface ReadFrame {
  readonly type: number;
  readonly call: number;
  readonly value: unknown;
}

const LAST: readonly number[] = [FRAME.result, FRAME.end, FRAME.error, FRAME.large];

/** A connection for calls as frames, as a supervisor has them. */
export class FramedClient {
  readonly socket: Socket;
  readonly sender: FrameSender;
  /** Every frame that has come, in order. */
  readonly frames: ReadFrame[] = [];
  readonly closed: Promise<unknown>;
  readonly #waiting = new Set<() => void>();

  constructor(address: string) {
    this.socket = address.startsWith('unix:')
      ? connect(address.slice('unix:'.length))
      : connect(Number(address.slice(address.lastIndexOf(':') + 1)), '127.0.0.1');
    this.sender = new FrameSender(this.socket);
    this.closed = new Promise((resolve) => this.socket.once('close', resolve));
    const decoder = new FrameDecoder((frame) => {
      this.frames.push(read(frame));
      for (const look of this.#waiting) look();
    });
    this.socket.on('data', (data: Buffer) => decoder.write(data));
    // What is written to a connection that the worker has closed.
    this.socket.on('error', () => {});
  }

  hello(token: string, shared = false): this {
    this.sender.send(FRAME.hello, 0, JSON.stringify({ token, shared }));
    return this;
  }

  /** Sends a call; a body is written with its bytes. */
  send(type: number, call: number, body: unknown): void {
    const placed: PlacedBytes[] = [];
    const text = body === undefined ? '' : (writeJson(body, 'body', placed) ?? '');
    this.sender.send(type, call, text, placed);
  }

  /** The first frame that fits, of those that have come and will. Rejects where the connection closes before. */
  find(fits: (frame: ReadFrame) => boolean): Promise<ReadFrame> {
    return new Promise((resolve, reject) => {
      const look = (): boolean => {
        const found = this.frames.find(fits);
        if (found === undefined) return false;
        this.#waiting.delete(look);
        resolve(found);
        return true;
      };
      if (look()) return;
      this.#waiting.add(look);
      void this.closed.then(() => {
        if (this.#waiting.delete(look)) reject(new Error('The connection was closed.'));
      });
    });
  }

  /** The last frame of a call. */
  last(call: number): Promise<ReadFrame> {
    return this.find((frame) => frame.call === call && LAST.includes(frame.type));
  }

  /** Sends a call and gives its last frame. */
  async call(type: number, call: number, body: unknown): Promise<ReadFrame> {
    this.send(type, call, body);
    return this.last(call);
  }

  of(call: number, type: number): unknown[] {
    return this.frames.filter((frame) => frame.call === call && frame.type === type).map(({ value }) => value);
  }
}

function read({ type, call, text, places, bytes, owned }: Frame): ReadFrame {
  const value = text === '' ? undefined : readJson(text, 'bigint');
  return { type, call, value: places === '' ? value : putBytes(value, places, bytes, owned) };
}
