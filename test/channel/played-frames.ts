import { createServer, type Socket } from 'node:net';
import { FRAME, type Frame } from '../../src/framing/frame.ts';
import { FrameDecoder } from '../../src/framing/frame-decoder.ts';
import { FrameSender } from '../../src/framing/frame-sender.ts';
import { writeJson } from '../../src/json/exact-json.ts';
import type { PlacedBytes } from '../../src/json/placed-bytes.ts';
import { listen, type Played } from './played-worker.ts';

/** What the played worker is told its start is. */
export const NONCE = 'of this start';

/** One connection to a worker that speaks frames, at the worker's end. */
export class FramePeer {
  readonly socket: Socket;
  readonly sender: FrameSender;
  /** What its `hello` said. */
  hello: { readonly token?: unknown; readonly shared?: unknown } = {};

  constructor(socket: Socket) {
    this.socket = socket;
    this.sender = new FrameSender(socket);
  }

  /** Sends a frame with a value. */
  send(type: keyof typeof FRAME, call: number, value?: unknown): void {
    const bytes: PlacedBytes[] = [];
    const text = value === undefined ? '' : (writeJson(value, 'value', bytes) ?? '');
    this.sender.send(FRAME[type], call, text, bytes);
  }

  /** Sends a frame as it is: its type, call, text, places and bytes. */
  sendParts(type: number, call: number, text: string, places = '', bytes: Buffer = Buffer.alloc(0)): void {
    this.sender.flush();
    this.socket.write(frameOf(type, call, text, places, bytes));
  }
}

/** The bytes of a frame. */
export function frameOf(
  type: number,
  call: number,
  text: string,
  places = '',
  bytes: Buffer = Buffer.alloc(0),
): Buffer {
  const parts = [Buffer.from(text), Buffer.from(places), bytes];
  const head = new Uint32Array([type, call, ...parts.map(({ length }) => length)]);
  return Buffer.concat([Buffer.from(head.buffer), ...parts]);
}

/** A worker that speaks frames. */
export interface PlayedFrames extends Played {
  /** Its open connections, in the order in which they came. */
  readonly peers: readonly FramePeer[];
}

/** Plays a worker that speaks frames: what comes after `hello` is for `answer`. */
export async function playFrames(
  answer: (frame: Frame, peer: FramePeer) => void,
  where: 'unix' | 'tcp' = 'unix',
  greet: (peer: FramePeer) => void = (peer) => peer.send('welcome', 0, { nonce: NONCE }),
): Promise<PlayedFrames> {
  const peers: FramePeer[] = [];
  const server = createServer((socket) => {
    const peer = new FramePeer(socket);
    peers.push(peer);
    const decoder = new FrameDecoder((frame) => {
      if (frame.type !== FRAME.hello) return answer(frame, peer);
      peer.hello = JSON.parse(frame.text);
      greet(peer);
    });
    socket.on('error', () => {});
    socket.on('data', (data) => decoder.write(data));
    socket.on('close', () => peers.splice(peers.indexOf(peer), 1));
  });
  return { ...(await listen(server, where)), peers };
}
