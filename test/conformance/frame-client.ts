import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { FRAME } from '../../src/framing/frame.ts';
import { FrameDecoder } from '../../src/framing/frame-decoder.ts';
import { FrameSender } from '../../src/framing/frame-sender.ts';
import { writeJson } from '../../src/json/exact-json.ts';
import { type PlacedBytes, putBytes } from '../../src/json/placed-bytes.ts';
import { readJson } from '../../src/json/read-json.ts';
import type { RunningWorker } from './driver.ts';

/** A frame that came, its value read. */
export interface ReadFrame {
  readonly type: keyof typeof FRAME;
  readonly call: number;
  readonly value: unknown;
}

/** What a caller asks over frames. */
export interface FramedCall {
  readonly call: string;
  readonly tool?: string;
  readonly args?: readonly unknown[];
  readonly kwargs?: Readonly<Record<string, unknown>>;
}

/** A connection for frames, as the host has them. */
export class FrameClient {
  readonly socket: Socket;
  readonly sender: FrameSender;
  /** Whether the other end has closed the connection, or this one. */
  readonly closed: Promise<void>;
  readonly #frames: ReadFrame[] = [];
  #taken = 0;
  #onFrame: (() => void) | undefined;
  #isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    this.sender = new FrameSender(socket);
    const decoder = new FrameDecoder(({ type, call, text, places, bytes }) => {
      const name = Object.entries(FRAME).find(([, number]) => number === type)?.[0] as keyof typeof FRAME;
      const value = text === '' ? undefined : readJson(text);
      this.#frames.push({ type: name, call, value: places === '' ? value : putBytes(value, places, bytes) });
      this.#onFrame?.();
    });
    socket.on('data', (data: Buffer) => decoder.write(data));
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#isClosed = true;
        this.#onFrame?.();
        resolve();
      });
    });
  }

  /** Sends a call under this number. */
  send(type: 'execute' | 'stream', number: number, { args = [], kwargs = {}, ...named }: FramedCall): void {
    const placed: PlacedBytes[] = [];
    const text = writeJson({ ...named, args, kwargs }, 'body', placed) as string;
    this.sender.send(FRAME[type], number, text, placed);
  }

  /** The next frame; undefined once the connection is closed. */
  async next(): Promise<ReadFrame | undefined> {
    while (this.#taken === this.#frames.length) {
      if (this.#isClosed) return undefined;
      await new Promise<void>((resolve) => {
        this.#onFrame = resolve;
      });
    }
    this.#taken += 1;
    return this.#frames[this.#taken - 1];
  }

  /** The frames of one call up to its last, where no other runs. */
  async answer(): Promise<ReadFrame[]> {
    const frames: ReadFrame[] = [];
    for (;;) {
      const frame = await this.next();
      if (frame === undefined) throw new Error('The connection was closed before the last frame.');
      frames.push(frame);
      if (['result', 'end', 'error', 'large'].includes(frame.type)) return frames;
    }
  }
}

/** Opens a connection to a worker that speaks frames, without a word. */
export async function openFrames({ handshake: { frames = '' } }: RunningWorker): Promise<FrameClient> {
  const port = Number(frames.slice(frames.lastIndexOf(':') + 1));
  const socket = connect(
    frames.startsWith('unix:') ? { path: frames.slice('unix:'.length) } : { host: '127.0.0.1', port },
  );
  const client = new FrameClient(socket);
  await once(socket, 'connect');
  return client;
}

/** Opens a connection and makes it known. */
export async function greetedFrames(worker: RunningWorker, shared: boolean): Promise<FrameClient> {
  const client = await openFrames(worker);
  client.sender.send(FRAME.hello, 0, JSON.stringify({ token: worker.token, shared }));
  const welcome = await client.next();
  if (welcome?.type !== 'welcome') throw new Error(`Instead of a welcome came ${JSON.stringify(welcome)}.`);
  return client;
}
