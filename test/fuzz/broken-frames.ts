import { connect, type Socket } from 'node:net';
import { FRAME } from '../../src/framing/frame.ts';

/** A number from 0 to below 1. */
export type Random = () => number;

/** Bytes that are written to an address in random pieces. */
export class Delivery {
  readonly #socket: Socket;
  readonly #closed: Promise<unknown>;

  constructor(address: string, bytes: Buffer, random: Random) {
    this.#socket = connect(address.slice('unix:'.length));
    this.#closed = new Promise((resolve) => this.#socket.once('close', resolve));
    this.#socket.on('error', () => {}).resume();
    for (let at = 0; at < bytes.length; ) {
      const end = at + 1 + Math.floor(random() * bytes.length);
      this.#socket.write(bytes.subarray(at, end));
      at = end;
    }
  }

  /** Says that nothing more comes, and waits until the other end has closed. */
  async end(): Promise<void> {
    this.#socket.end();
    await this.#closed;
  }
}

/** What a supervisor might send over one connection. */
export function session(token: string, random: Random): Buffer {
  const shared = random() < 0.5;
  const frames = [frame(FRAME.hello, 0, JSON.stringify({ token, shared }))];
  for (let call = 1; random() < 0.8; call += 1) {
    const kind = Math.floor(random() * 5);
    if (kind === 0) frames.push(frame(FRAME.execute, call, '{"call":"c","args":[12345678901234567890,[-0.5e3]]}'));
    else if (kind === 1) frames.push(frame(FRAME.stream, call, '{"call":"c","kwargs":{"count":3}}'));
    else if (kind === 2) frames.push(frame(FRAME.fetch, call, ''));
    else if (kind === 3) frames.push(frame(FRAME.execute, call, '{"call":"c","tool":"twice","kwargs":{"n":1}}'));
    else {
      const text = '{"call":"c","args":[{"value":{"a":null,"b":[null]}}]}';
      const places = '[[["args",0,"value","a"],2],[["args",0,"value","b",0],3]]';
      frames.push(frame(FRAME.execute, call, text, places, 'bytes'));
    }
  }
  return Buffer.concat(frames);
}

function frame(type: number, call: number, text: string, places = '', bytes = ''): Buffer {
  const head = Buffer.alloc(20);
  for (const [at, number] of [type, call, text.length, places.length, bytes.length].entries()) {
    head.writeUInt32LE(number, at * 4);
  }
  return Buffer.concat([head, Buffer.from(text + places + bytes)]);
}
