import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { inspect } from 'node:util';
import { serialize, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { FrameConnections } from '../../src/channel/frame-connections.ts';
import { FramedAnswer } from '../../src/channel/framed-answer.ts';
import type { CallKind } from '../../src/channel/frames.ts';
import type { CallSink } from '../../src/channel/worker-channel.ts';
import { GreenroomError } from '../../src/errors.ts';
import { FRAME } from '../../src/framing/frame.ts';
import { frameOf, NONCE } from '../channel/played-frames.ts';
import { SEED } from '../seed.ts';
import { randomFrom } from '../simulation/random.mjs';
import { FuzzedWorker } from './fuzzed-worker.ts';

// What no worker sends, to the host's end of its frames: `npm run fuzz` for more of it.

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 800);
const MOST_CALLS = 8;
/** How much more memory may be in use after all runs than after the first ones, in MiB. */
const SPARE = 4;
const CODES: ReadonlySet<unknown> = new Set(['E_REMOTE', 'E_PROTOCOL', 'E_SERIALIZE', 'E_CRASHED']);

/** How often each outcome came. */
const tally: Record<string, number> = {};

test(`whatever a worker sends, every call ends once, with a value or a typed error (${RUNS} runs, seed ${SEED})`, async () => {
  await runs(SEED, 200);
  const before = inUse();
  await runs(SEED + 1, RUNS);
  expect(inUse() - before).toBeLessThan(SPARE);
  // That it is not one fault that ends everything before it begins.
  for (const code of ['result', ...(CODES as ReadonlySet<string>)]) expect(tally[code]).toBeGreaterThan(RUNS / 50);
  if (process.env['FUZZ_RUNS'] !== undefined) console.log(JSON.stringify({ seed: SEED, runs: RUNS, ended: tally }));
}, 3_600_000);

test('a worker that claims much and sends nothing costs no memory, and its call ends with its connection', () => {
  for (const lengths of [
    [2 ** 28, 0, 0],
    [0, 0, 2 ** 28],
    [2 ** 28, 2 ** 24, 2 ** 28],
  ]) {
    const play = new Play(randomFrom(SEED), true);
    play.call('execute', 'plain', false);
    const [line] = play.worker.lines;
    line!.events.onOpen(line as unknown as Socket);
    line!.events.onData(frameOf(FRAME.welcome, 0, JSON.stringify({ nonce: NONCE })));
    const { arrayBuffers } = process.memoryUsage();
    line!.events.onData(Buffer.from(new Uint32Array([FRAME.result, 1, ...lengths]).buffer));
    expect(process.memoryUsage().arrayBuffers - arrayBuffers).toBeLessThan(2 * 2 ** 20);
    expect(play.told).toEqual([]);
    line!.events.onBroken(new Error('closed'));
    play.check();
    expect(play.told).toMatchObject([[1, 'error', 'E_CRASHED', expect.any(String), undefined]]);
  }
});

async function runs(seed: number, count: number): Promise<void> {
  for (let run = 0; run < count; run += 1) {
    try {
      const whole = await played(seed + run, () => 64 * 1024);
      const cut = randomFrom(seed - run);
      const inPieces = await played(seed + run, () => 1 + Math.floor(cut() ** 3 * 200));
      // However it was cut, the same came of it.
      if (!serialize(whole).equals(serialize(inPieces))) expect(inPieces).toEqual(whole);
    } catch (error) {
      throw new Error(`run ${run} of seed ${seed}: ${String(error)}`, { cause: error });
    }
  }
}

/** One host and one worker, from their first call until nothing is left to say; gives what the callers were told. */
async function played(seed: number, pieceSize: () => number): Promise<unknown> {
  const random = randomFrom(seed);
  const play = new Play(random, random() < 0.1);
  for (let calls = 1 + Math.floor(random() * 4); calls > 0; calls -= 1) play.callAny();
  await play.talk(pieceSize);
  play.check();
  return play.told;
}

/** What a caller does beside taking what comes: nothing, another call after its own, or closing everything meanwhile. */
type Habit = 'plain' | 'calls' | 'closes';

class Play {
  readonly worker: FuzzedWorker;
  /** What the callers were told, in order: the call, of what, and it. */
  readonly told: [number, string, ...unknown[]][] = [];
  /** The same, as it was at that time. */
  readonly #then: Buffer[] = [];
  readonly #site: FrameConnections;
  readonly #isWell: boolean;
  readonly #outcomes: number[] = [];
  readonly #wrong: string[] = [];

  constructor(random: () => number, isWell: boolean) {
    this.worker = new FuzzedWorker(random, isWell);
    this.#isWell = isWell;
    this.#site = new FrameConnections({ plugin: 'talker', token: 't', nonce: NONCE, open: this.worker.open });
  }

  callAny(): void {
    const { worker } = this;
    const kind = worker.pick<CallKind>(['execute', 'execute', 'stream']);
    this.call(kind, worker.pick<Habit>(['plain', 'plain', 'plain', 'calls', 'closes']), worker.random() < 0.6);
  }

  call(kind: CallKind, habit: Habit, isShared: boolean): void {
    const number = this.#outcomes.push(0);
    const input = { args: '[]', kwargs: '{}', bytes: [] };
    const call = { id: `c${number}`, input, integers: this.worker.pick(['bigint', 'number'] as const) };
    const answer = new FramedAnswer('talker', kind, number, call, this.#sink(number, habit));
    this.#site.calls.set(number, answer);
    const connection = isShared && kind === 'execute' ? this.#site.shared() : this.#site.unshared();
    connection.send(answer, FRAME[kind], '{}', []);
    if (habit === 'calls') answer.pause();
  }

  /** Has the worker say what it has to, until it has no more; then every connection breaks. */
  async talk(pieceSize: () => number): Promise<void> {
    const memory = Buffer.alloc(64 * 1024);
    const { lines } = this.worker;
    for (let isQuiet = false; !isQuiet; ) {
      isQuiet = true;
      for (let n = 0; n < lines.length; n += 1) {
        const line = lines[n]!;
        if (line.isClosed) continue;
        if (!line.isOpen) {
          line.isOpen = true;
          line.events.onOpen(line as unknown as Socket);
          isQuiet = false;
          continue;
        }
        const data = this.worker.spoil(Buffer.concat(line.pending));
        line.pending = [];
        for (let at = 0; at < data.length && !line.isClosed; isQuiet = false) {
          const count = data.copy(memory, 0, at, at + pieceSize());
          line.events.onData(memory.subarray(0, count));
          memory.fill(0xaa, 0, count);
          at += count;
        }
      }
      await turn();
    }
    for (const line of lines) if (!line.isClosed) line.events.onBroken(new Error('closed'));
    // Callers may have called again.
    if (lines.some(({ isClosed }) => !isClosed)) await this.talk(pieceSize);
  }

  /** What must hold once every connection has ended. */
  check(): void {
    expect(this.#wrong).toEqual([]);
    expect(this.#site.calls.size).toBe(0);
    if (this.#outcomes.some((outcomes) => outcomes !== 1)) expect(this.#outcomes).toBe('one each');
    for (const [n, then] of this.#then.entries()) {
      if (!serialize(this.told[n]).equals(then)) expect(this.told[n]).toBe('what it was when it came');
    }
  }

  /** A sink must not throw. */
  #complain(wanted: string, got: unknown): void {
    this.#wrong.push(`not ${wanted}: ${inspect(got)}`);
  }

  #sink(number: number, habit: Habit): CallSink {
    const note = (what: string, ...values: unknown[]): void => {
      if (this.#outcomes[number - 1] !== 0) this.#complain('nothing after the outcome', what);
      this.told.push([number, what, ...values]);
      this.#then.push(serialize(this.told.at(-1)));
      if (habit === 'closes') this.#site.close(new Error('closed by a caller'));
    };
    const end = (what: string): void => {
      this.#outcomes[number - 1]! += 1;
      tally[what] = (tally[what] ?? 0) + 1;
      if (habit === 'calls' && this.#outcomes.length < MOST_CALLS) this.callAny();
    };
    return {
      onProgress: (progress, message) => {
        if (typeof progress !== 'number') this.#complain('a number', progress);
        if (message !== undefined && typeof message !== 'string') this.#complain('a text', message);
        note('progress', progress, message);
      },
      onChunk: (chunk, length) => {
        if (!isValue(chunk)) this.#complain('a value', chunk);
        if (!(length > 0)) this.#complain('a length', length);
        note('chunk', chunk, length);
      },
      onResult: (result) => {
        if (result !== undefined && !isValue(result)) this.#complain('a value', result);
        note('result', result);
        end('result');
      },
      onError: (error) => {
        if (!(error instanceof GreenroomError && CODES.has(error.code) && error.plugin === 'talker')) {
          this.#complain('a typed error', error);
        }
        const { code, message, remote } = error;
        if (remote === undefined && message.length > 1_000) this.#complain('a message that people can read', message);
        if (this.#isWell && code === 'E_PROTOCOL' && !message.includes('"result" that is not JSON')) {
          this.#complain('no fault of the worker', message);
        }
        note('error', code, message, remote);
        end(code);
      },
    };
  }
}

/** Whether it is what JSON says, or bytes or big integers in it, in memory of its own. */
function isValue(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.buffer.byteLength === value.byteLength;
  if (Array.isArray(value)) return value.every(isValue);
  if (typeof value === 'object' && value !== null) return Object.values(value).every(isValue);
  if (typeof value === 'number') return Number.isFinite(value);
  return value === null || ['string', 'boolean', 'bigint'].includes(typeof value);
}

/** In MiB. Buffers that a collection found dead are given back by a thread of its own, at the latest with the next one. */
function inUse(): number {
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 2 ** 20;
}
