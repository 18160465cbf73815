import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import * as fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { HEAD_BYTES } from '../../src/framing/frame.ts';
import { FrameSender } from '../../src/framing/frame-sender.ts';
import { byteLengthOf, type PlacedBytes, writePlaces } from '../../src/json/placed-bytes.ts';
import { frameOf } from '../channel/played-frames.ts';
import { listen } from '../channel/played-worker.ts';
import { SEED } from '../seed.ts';
import { randomFrom } from '../simulation/random.mjs';

const GATHERED = 64 * 1024;

/** A socket that holds what it is given, not a copy of it, and takes it when it is told to. */
class Held extends Writable {
  readonly writes: Buffer[] = [];
  #taken: (() => void) | undefined;
  #isOpen: boolean;

  constructor(isOpen: boolean) {
    super({ decodeStrings: false });
    this.#isOpen = isOpen;
  }

  override _write(data: Buffer, _encoding: string, taken: () => void): void {
    if (this.#isOpen) {
      this.writes.push(Buffer.from(data));
      taken();
      return;
    }
    this.#taken = () => {
      this.writes.push(Buffer.from(data));
      taken();
    };
  }

  open(): void {
    this.#isOpen = true;
    this.#taken?.();
  }
}

type Sent = [type: number, call: number, text: string, placed: PlacedBytes[]];

function bytesOf([type, call, text, placed]: Sent): Buffer {
  const places = placed.length === 0 ? '' : writePlaces(placed);
  const frame = frameOf(type, call, text, places, Buffer.concat(placed.map(({ bytes }) => bytes)));
  expect(frame.length).toBe(HEAD_BYTES + Buffer.byteLength(text) + Buffer.byteLength(places) + byteLengthOf(placed));
  return frame;
}

const of = (text: string, ...bytes: Buffer[]): Sent => [
  19,
  7,
  text,
  bytes.map((each, n) => ({ path: [n], bytes: each })),
];

function sendAll(socket: Writable, frames: readonly Sent[]): FrameSender {
  const sender = new FrameSender(socket as Socket);
  for (const frame of frames) sender.send(...frame);
  return sender;
}

it('frames that are sent in one turn are written at once, at its end', async () => {
  const socket = new Held(true);
  const frames = Array.from({ length: 50 }, (_, n) => of(`"${n}ü"`));
  const sender = sendAll(socket, frames);
  expect(socket.writes).toEqual([]);
  await turn();
  expect(socket.writes).toEqual([Buffer.concat(frames.map(bytesOf))]);
  sender.send(...of('later'));
  await turn();
  expect(socket.writes.slice(1)).toEqual([bytesOf(of('later'))]);
});

it('long frames, and bytes, go out in order with the short ones before and after them', async () => {
  const bytes = Buffer.alloc(100_000, 'b');
  const frames = [of('1'), of('2'.repeat(100_000)), of('3'), of('[null,null]', bytes, Buffer.from('c')), of('5')];
  frames.push(of('6', Buffer.alloc(0)), of('7'.repeat(GATHERED)), of('8', Buffer.from('d')), of('9'));
  const socket = new Held(true);
  sendAll(socket, frames);
  await turn();
  expect(Buffer.concat(socket.writes).equals(Buffer.concat(frames.map(bytesOf)))).toBe(true);
});

it('what is sent is written whole, however near its end the room for gathering is', async () => {
  const near = Math.floor((GATHERED - HEAD_BYTES) / 3);
  const length = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: near - 20, max: near + 10 }));
  const frame = fc
    .tuple(length, fc.constantFrom('a', 'ü', '漢', '𐍈'), fc.boolean())
    .map(([units, letter, hasBytes]) => of(letter.repeat(units), ...(hasBytes ? [Buffer.from('xyz')] : [])));
  const property = fc.asyncProperty(fc.array(frame, { maxLength: 12 }), async (frames) => {
    const socket = new Held(true);
    sendAll(socket, frames);
    await turn();
    expect(Buffer.concat(socket.writes).equals(Buffer.concat(frames.map(bytesOf)))).toBe(true);
  });
  await fc.assert(property, { numRuns: 100 });
});

it('what a socket has not taken yet stays as it was while more is sent', async () => {
  const socket = new Held(false);
  const frames: Sent[] = [];
  const sender = new FrameSender(socket as unknown as Socket);
  for (let n = 0; n < 200; n += 1) {
    const frame =
      n % 50 === 49
        ? of(`${n}`.repeat(30_000))
        : of(`the text of ${n}`, ...(n % 20 === 7 ? [Buffer.from(`${n}`)] : []));
    frames.push(frame);
    sender.send(...frame);
    if (n % 3 === 0) await turn();
  }
  await turn();
  expect(sender.isBehind).toBe(true);
  expect(socket.writes).toEqual([]);
  socket.open();
  await turn();
  expect(Buffer.concat(socket.writes).equals(Buffer.concat(frames.map(bytesOf)))).toBe(true);
  expect(sender.isBehind).toBe(false);
});

it.each(['unix', 'tcp'] as const)('every byte arrives at a reader that is slow, at %s', async (where) => {
  const random = randomFrom(SEED);
  const got: Buffer[] = [];
  const server = createServer({ pauseOnConnect: true });
  const served = once(server, 'connection');
  const { address, port } = await listen(server, where);
  const socket = where === 'unix' ? connect(address.slice('unix:'.length)) : connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  // Some is sent before there is a connection.
  const sender = new FrameSender(socket);
  const frames: Sent[] = [];
  const send = (): void => {
    const frame = of(
      `${frames.length}ü`.repeat(Math.floor(random() ** 6 * 20_000)),
      ...(random() < 0.1 ? [Buffer.alloc(5_000, frames.length)] : []),
    );
    frames.push(frame);
    sender.send(...frame);
  };
  send();
  await turn();
  send();
  const [reader] = (await served) as [Socket];
  reader.on('data', (data) => got.push(Buffer.from(data)));
  reader.pause();
  for (let round = 0; round < 3; round += 1) {
    // Until the system takes no more, and a little longer.
    for (let waiting = 0; waiting < 30; waiting += socket.writableLength > 0 ? 1 : 0) {
      send();
      if (random() < 0.3) await turn();
    }
    // It takes only part of what is written meanwhile.
    reader.resume();
    for (let n = 0; n < 100; n += 1) {
      send();
      if (random() < 0.3) await turn();
    }
    reader.pause();
  }
  reader.resume();
  await turn();
  socket.end();
  await once(reader, 'end');
  expect(Buffer.concat(got).equals(Buffer.concat(frames.map(bytesOf)))).toBe(true);
});
