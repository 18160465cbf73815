import type { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createLineSplitter } from './line-splitter.ts';

/** How long the lines of one pipe are dealt with before everything else gets its turn, in milliseconds. */
const SLICE_MS = 5;

/** How many bytes are cut into lines between two looks at the clock: a thousand blank lines at the most. */
const PIECE_BYTES = 1_024;

/** How long the end of a process's output is read, where something else writes to its pipes without end, in milliseconds. */
const LONGEST_END_MS = 1_000;

/** The event-loop turns without anything to read after which a pipe that stays open is known to be empty. */
const QUIET_TURNS = 2;

/** Takes each line of a stream; `complete` as for a line splitter. */
export type OnLine = (line: string, complete: boolean) => void;

/**
 * Reads the streams of a process for as long as they are open: an undrained pipe stops a chatty program. One that
 * prints faster than its lines can be dealt with is slowed down, and never holds up the event loop.
 */
export class ProcessOutput {
  readonly #pipes: readonly Pipe[];

  constructor(streams: readonly (readonly [stream: Readable | null, onLine: OnLine])[]) {
    this.#pipes = streams.flatMap(([stream, onLine]) => (stream === null ? [] : [new Pipe(stream, onLine)]));
  }

  /**
   * To be called when the process has ended: resolves when all that it wrote has been handed on. That is at the end of
   * its pipes or, where something that it started holds them open, when they are empty.
   */
  async rest(): Promise<void> {
    const end = performance.now() + LONGEST_END_MS;
    let quiet = 0;
    while (quiet < QUIET_TURNS && this.#pipes.some((pipe) => !pipe.ended) && performance.now() < end) {
      const before = this.#chunks();
      await nextTurn();
      quiet = before === this.#chunks() && !this.#pipes.some((pipe) => pipe.behind) ? quiet + 1 : 0;
    }
  }

  #chunks(): number {
    return this.#pipes.reduce((sum, { chunks }) => sum + chunks, 0);
  }
}

class Pipe {
  /** How many chunks have come. */
  chunks = 0;
  /** Whether the pipe is at its end, and all of it handed on. */
  ended = false;
  readonly #pipe: Readable;
  readonly #splitter: ReturnType<typeof createLineSplitter>;
  readonly #held: Buffer[] = [];
  #waits = false;
  #closed = false;

  constructor(pipe: Readable, onLine: OnLine) {
    this.#pipe = pipe;
    this.#splitter = createLineSplitter({ onLine });
    pipe.on('data', (chunk: Buffer) => {
      this.chunks += 1;
      this.#held.push(chunk);
      if (!this.#waits) this.#handOn();
    });
    pipe.on('error', () => {});
    pipe.once('close', () => {
      this.#closed = true;
      if (!this.#waits) this.#handOn();
    });
  }

  /** Whether something has been read and not handed on. */
  get behind(): boolean {
    return this.#waits;
  }

  #handOn(): void {
    const end = performance.now() + SLICE_MS;
    for (let chunk = this.#held.shift(); chunk !== undefined; chunk = this.#held.shift()) {
      this.#splitter.write(chunk.subarray(0, PIECE_BYTES));
      if (chunk.length > PIECE_BYTES) this.#held.unshift(chunk.subarray(PIECE_BYTES));
      if (performance.now() < end || this.#held.length === 0) continue;
      this.#waits = true;
      this.#pipe.pause();
      setImmediate(() => this.#handOn());
      return;
    }
    if (this.#waits) this.#pipe.resume();
    this.#waits = false;
    if (!this.#closed || this.ended) return;
    this.#splitter.end();
    this.ended = true;
  }
}
