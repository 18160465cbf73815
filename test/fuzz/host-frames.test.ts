import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { FrameConnections } from '../../src/channel/frame-connections.ts';
import type { SocketEvents } from '../../src/channel/frame-socket.ts';
import { FramedAnswer } from '../../src/channel/framed-answer.ts';
import { type ErrorCode, GreenroomError } from '../../src/errors.ts';
import { FRAME, type Frame } from '../../src/framing/frame.ts';
import { FrameDecoder } from '../../src/framing/frame-decoder.ts';
import { frameOf, NONCE } from '../channel/played-frames.ts';
import { SEED } from '../seed.ts';
import { randomFrom } from '../simulation/random.mjs';
import { mutated, type Random } from './broken-frames.ts';

// Bytes that no worker sends, to the host's end of its connections: `npm run fuzz` for 100,000 of them.

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 750);
/** What Node keeps of memory that was used once, in MiB. */
const SPARE = 120;

const CODES: ReadonlySet<ErrorCode> = new Set(['E_PROTOCOL', 'E_CRASHED', 'E_SERIALIZE', 'E_REMOTE']);

/** What is done to what a worker sends: nothing, something to its frames, or something to its bytes. */
type Harm = 'none' | 'frames' | 'bytes';

test(`whatever ${RUNS} workers send, each call ends once, with its result or a typed error (seed ${SEED})`, async () => {
  await runs(SEED, 250);
  const before = process.memoryUsage().rss;
  await runs(SEED + 1, RUNS);
  expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(SPARE);
}, 3_600_000);

async function runs(seed: number, count: number): Promise<void> {
  for (let run = 0; run < count; run += 1) {
    const random = randomFrom(seed * 1_000_003 + run);
    const harm = (['none', 'frames', 'bytes', 'bytes'] as const)[run % 4] as Harm;
    try {
      await new Run(random, harm).play();
    } catch (error) {
      throw new Error(`Run ${run} of seed ${seed} (${harm}) went wrong.`, { cause: error });
    }
  }
}

/** One connection, at the worker's end. */
class Link extends Writable {
  readonly events: SocketEvents;
  isClosed = false;
  /** The frames that it was sent. */
  readonly sent: Frame[] = [];
  readonly #decoder = new FrameDecoder((frame) => this.sent.push({ ...frame, bytes: Buffer.alloc(0) }));

  constructor(events: SocketEvents) {
    super();
    this.events = events;
  }

  override _write(part: Buffer, _encoding: string, done: () => void): void {
    this.#decoder.write(part);
    done();
  }

  // A connection only turns these on and off.
  ref(): void {}
  unref(): void {}
  pause(): void {}
  resume(): void {}
}

/** One call, and how often it has ended. */
interface Called {
  readonly answer: FramedAnswer;
  readonly chunks: unknown[];
  readonly outcomes: unknown[];
}

/** One worker: what it is sent, and what becomes of what it answers. */
class Run {
  readonly #random: Random;
  readonly #harm: Harm;
  readonly #links: Link[] = [];
  readonly #calls: Called[] = [];
  readonly #connections = new FrameConnections({
    plugin: 'p',
    token: 't',
    nonce: NONCE,
    open: (events) => {
      const link = new Link(events);
      this.#links.push(link);
      return () => {
        link.isClosed = true;
      };
    },
  });

  constructor(random: Random, harm: Harm) {
    this.#random = random;
    this.#harm = harm;
  }

  async play(): Promise<void> {
    for (let count = 1 + this.#some(4); count > 0; count -= 1) this.#call('execute');
    for (let count = this.#some(3); count > 0; count -= 1) this.#call('stream');
    for (let at = 0; at < this.#links.length; at += 1) await this.#answer(this.#links[at] as Link, this.#harm);
    for (const { isClosed, events } of this.#links) if (!isClosed) events.onBroken(new Error('It broke.'));
    for (const called of this.#calls) this.#check(called);
    expect(this.#connections.calls.size).toBe(0);
    // Nothing of it is left in the way of the next call.
    const next = this.#call('execute');
    await this.#answer(this.#links.at(-1) as Link, 'none', false);
    expect(next.outcomes).toEqual([resultOf(next.answer.number)]);
    this.#connections.close(new Error('The run is over.'));
    expect(this.#links.every(({ isClosed }) => isClosed)).toBe(true);
  }

  #call(kind: 'execute' | 'stream'): Called {
    const outcomes: unknown[] = [];
    const chunks: unknown[] = [];
    const call = { id: 'c', input: { args: '[]', kwargs: '{}', bytes: [] }, integers: 'bigint' } as const;
    const answer = new FramedAnswer('p', kind, this.#calls.length + 1, call, {
      onProgress: () => {},
      onChunk: (chunk) => void chunks.push(chunk),
      onResult: (result) => void outcomes.push(result),
      onError: (error) => void outcomes.push(error),
    });
    const called = { answer, chunks, outcomes };
    this.#calls.push(called);
    this.#connections.calls.set(answer.number, answer);
    const connection = kind === 'execute' ? this.#connections.shared() : this.#connections.unshared();
    connection.send(answer, FRAME[kind], '{}', []);
    return called;
  }

  /** Answers all that a connection was sent, with this harm, in pieces. */
  async #answer(link: Link, harm: Harm, mayFail = true): Promise<void> {
    if (link.isClosed) return;
    link.events.onOpen(link as unknown as Socket);
    // What is sent in one turn is written at its end.
    await new Promise<void>((resolve) => {
      process.nextTick(resolve);
    });
    const frames = [frameOf(FRAME.welcome, 0, JSON.stringify({ nonce: NONCE }))];
    const asked = link.sent.filter(({ type }) => type !== FRAME.hello).toSorted(() => this.#random() - 0.5);
    for (const { type, call } of asked) frames.push(...this.#framesFor(type, call, mayFail));
    const elsewhere = this.#calls.filter(({ answer }) => asked.every(({ call }) => call !== answer.number));
    const whole = Buffer.concat(harm === 'frames' ? this.#disordered(frames, elsewhere) : frames);
    const bytes = harm === 'bytes' ? mutated(whole, this.#random) : whole;
    for (let at = 0; at < bytes.length && !link.isClosed; ) {
      const end = at + 1 + this.#some(bytes.length);
      link.events.onData(Buffer.from(bytes.subarray(at, end)));
      at = end;
    }
  }

  #framesFor(type: number, call: number, mayFail: boolean): Buffer[] {
    const progress = frameOf(FRAME.progress, call, '{"progress":0.5,"message":"half"}');
    const before = type !== FRAME.fetch && this.#random() < 0.3 ? [progress] : [];
    const error = frameOf(FRAME.error, call, '{"type":"E","message":"no","details":[1e400,9007199254740993]}');
    if (mayFail && this.#random() < 0.1) return [...before, error];
    if (type === FRAME.stream) {
      const chunks = frameOf(FRAME.chunks, call, `[${call},null]`, '[[[1],2]]', Buffer.from('ab'));
      return [...before, chunks, chunks, frameOf(FRAME.end, call, '')];
    }
    if (mayFail && type === FRAME.execute && this.#random() < 0.2) return [...before, frameOf(FRAME.large, call, '')];
    const text = `{"call":${call},"n":12345678901234567890,"a":null,"b":[null]}`;
    return [...before, frameOf(FRAME.result, call, text, '[[["a"],2],[["b",0],3]]', Buffer.from('bytes'))];
  }

  /** Frames that are whole, but not where or as often as they should be, or of calls that run elsewhere. */
  #disordered(frames: readonly Buffer[], elsewhere: readonly Called[]): Buffer[] {
    const others = [...frames];
    for (let times = 1 + this.#some(3); times > 0; times -= 1) {
      const at = this.#some(others.length);
      const to = this.#some(others.length);
      const [frame] = others.splice(at, 1);
      if (frame === undefined) continue;
      const stranger = elsewhere[this.#some(elsewhere.length)]?.answer.number ?? 99;
      const way = this.#random();
      if (way < 0.3) others.splice(to, 0, frame);
      else if (way < 0.6) others.splice(to, 0, frame, frame);
      else if (way < 0.75) others.splice(to, 0, changed(frame, 0, this.#otherType()));
      else if (way < 0.9) others.splice(to, 0, changed(frame, 4, stranger));
    }
    return others;
  }

  /** Whatever is said to be a result is one, so no frame of another type is made one. */
  #otherType(): number {
    const type = 1 + this.#some(24);
    return type === FRAME.result ? 0 : type;
  }

  #check({ answer, chunks, outcomes }: Called): void {
    expect(outcomes).toHaveLength(1);
    const [outcome] = outcomes;
    if (outcome instanceof GreenroomError) {
      expect(CODES).toContain(outcome.code);
      // Its worker has sent an error, or the result never came.
      if (this.#harm === 'none') expect(outcome.code).toBe('E_REMOTE');
      return;
    }
    // Bytes that were changed may well say something else.
    if (this.#harm === 'bytes') return;
    if (answer.kind === 'execute') expect(isDeepStrictEqual(outcome, resultOf(answer.number))).toBe(true);
    else if (this.#harm === 'none') expect(chunks).toEqual([1, 2].flatMap(() => [answer.number, Buffer.from('ab')]));
  }

  #some(below: number): number {
    return Math.floor(this.#random() * below);
  }
}

/** A frame with another number in its head. */
function changed(frame: Buffer, at: number, number: number): Buffer {
  const other = Buffer.from(frame);
  other.writeUInt32LE(number, at);
  return other;
}

function resultOf(call: number): unknown {
  return { call, n: 12345678901234567890n, a: Buffer.from('by'), b: [Buffer.from('tes')] };
}
