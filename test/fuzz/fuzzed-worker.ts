import { Writable } from 'node:stream';
import type { OpenSocket, SocketEvents } from '../../src/channel/frame-socket.ts';
import { FRAME, type Frame } from '../../src/framing/frame.ts';
import { FrameDecoder } from '../../src/framing/frame-decoder.ts';
import { frameOf, NONCE } from '../channel/played-frames.ts';
import { mutated } from './mutated-frames.ts';

type Random = () => number;

/** What a worker may say of a call: text, places, bytes. */
type Said = readonly [text: string, places?: string, bytes?: string];

const VALUES: readonly Said[] = [
  ['{"ok":[1,-0.5e3,"ä\\ud800",null,true]}'],
  ['12345678901234567890'],
  ['{"a":{"__proto__":1},"a":[123456789012345678901,1]}'],
  [`{"n":${'9'.repeat(5_000)}}`],
  ['[1e999]'],
  [`${'['.repeat(499)}1${']'.repeat(499)}`],
  [`${'['.repeat(700)}${']'.repeat(700)}`],
  ['null', '[[[],5]]', 'bytes'],
  ['null', '[[[],0]]'],
  ['{"a":null,"b":[null,{"c":null}]}', '[[["a"],2],[["b",0],0],[["b",1,"c"],3]]', 'bytes'],
  [`{"${'k'.repeat(2_000)}":null}`, `[[["${'k'.repeat(2_000)}"],5]]`, 'bytes'],
  [''],
];
const ERRORS: readonly Said[] = [
  ['{"type":"ValueError","message":"no","category":"input","details":[1,12345678901234567890]}'],
  ['{"type":"SerializeError","message":"NaN"}'],
  ['{"details":null,"message":7}', '[[["details"],5]]', 'bytes'],
  ['null', '[[[],5]]', 'bytes'],
  ['"text"'],
];

/** A worker whose answers have things wrong with them, as the random numbers say. */
export class FuzzedWorker {
  readonly lines: Line[] = [];
  readonly random: Random;
  readonly #isWell: boolean;

  /** `isWell`: nothing is wrong. */
  constructor(random: Random, isWell: boolean) {
    this.random = random;
    this.#isWell = isWell;
  }

  readonly open: OpenSocket = (events) => {
    const line = new Line(this, events);
    this.lines.push(line);
    return () => {
      line.isClosed = true;
    };
  };

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random() * items.length)]!;
  }

  /** What it answers to a frame of the host. */
  answer({ type, call }: Frame, isShared: boolean): Buffer {
    if (type === FRAME.hello) return frameOf(FRAME.welcome, 0, JSON.stringify({ nonce: NONCE }));
    const frames: Buffer[] = [];
    while (type !== FRAME.fetch && this.random() < 0.3) frames.push(this.#part(type, call));
    if (this.random() < 0.2) frames.push(this.#frame(FRAME.error, call, this.pick(ERRORS)));
    else if (type === FRAME.stream) frames.push(frameOf(FRAME.end, call, ''));
    else if (isShared && this.random() < 0.3) frames.push(frameOf(FRAME.large, call, ''));
    else frames.push(this.#frame(FRAME.result, call, this.pick(VALUES)));
    return Buffer.concat(frames);
  }

  /** What a line gives to the host, of what it should. */
  spoil(bytes: Buffer): Buffer {
    return this.#isWell || this.random() < 0.3 ? bytes : mutated(bytes, this.random);
  }

  #part(type: number, call: number): Buffer {
    if (this.random() < 0.4) return this.#frame(FRAME.progress, call, ['{"progress":0.5,"message":["m"]}']);
    if (type !== FRAME.stream) return this.#frame(FRAME.progress, call, ['{"progress":-1}']);
    return this.#frame(FRAME.chunks, call, this.pick<Said>([['[1,"zwei",3]'], ['[null,{}]', '[[[0],3]]', 'abc']]));
  }

  /** Some frames are whole, and only what they say is wrong. */
  #frame(type: number, call: number, [text, places = '', bytes = '']: Said): Buffer {
    if (this.#isWell || this.random() < 0.9) return frameOf(type, call, text, places, Buffer.from(bytes));
    const spoilt = (part: string): string =>
      (this.random() < 0.5 ? mutated(Buffer.from(part), this.random) : part).toString();
    return frameOf(type, call, spoilt(text), spoilt(places), Buffer.from(spoilt(bytes)));
  }
}

/** One connection, at the worker's end; to the host it looks like a socket. */
export class Line extends Writable {
  readonly events: SocketEvents;
  isOpen = false;
  isClosed = false;
  /** What it has to say, and has not said. */
  pending: Buffer[] = [];
  readonly #decoder: FrameDecoder;
  #isShared = false;

  constructor(worker: FuzzedWorker, events: SocketEvents) {
    super({ decodeStrings: false });
    this.events = events;
    this.#decoder = new FrameDecoder((frame) => {
      if (frame.type === FRAME.hello) this.#isShared = JSON.parse(frame.text).shared;
      this.pending.push(worker.answer(frame, this.#isShared));
    });
  }

  override _write(data: Buffer, _encoding: string, taken: () => void): void {
    this.#decoder.write(data);
    taken();
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  pause(): this {
    return this;
  }

  resume(): this {
    return this;
  }
}
