import { FRAME, MAX_PLACES_BYTES, MAX_TEXT_BYTES } from '../framing/frame.ts';
import { writeJson } from '../json/exact-json.ts';
import { byteLengthOf, type PlacedBytes, writePlaces } from '../json/placed-bytes.ts';
import type { WireError } from '../protocol.ts';
import type { CallAnswer } from './call-answer.ts';
import { ChunkList, flatLength } from './chunk-list.ts';
import { ChunkPace, GATHER_CHARACTERS } from './chunk-pace.ts';
import { progressText } from './progress-text.ts';
import type { RunningCall } from './running-calls.ts';
import { SerializeError, serialize } from './serialize.ts';

/** What a framed answer needs of its connection; where that is closed, what is sent goes nowhere. */
export interface AnswerConnection {
  /** Whether the reader is so far behind that no more should be sent. */
  readonly isBehind: boolean;
  /** Resolves when a reader that is behind has caught up, or is gone. */
  drained(): Promise<void>;
  /** Sends a frame of a call, by the end of this turn of the event loop. */
  send(type: number, call: number, text: string, placed?: readonly PlacedBytes[]): void;
  /** Sends what has been handed to `send` now. */
  flush(): void;
  /** Sends the last frame of a call, which is over then. */
  end(type: number, call: number, text: string, placed?: readonly PlacedBytes[]): void;
}

/** The answer of a call that came as a frame. */
export class FramedCallAnswer implements CallAnswer {
  readonly carriesBytes = true;
  readonly #connection: AnswerConnection;
  readonly #number: number;
  #call: RunningCall | undefined;
  #pace: ChunkPace | undefined;
  /** Chunks that are not sent yet. */
  readonly #chunks = new ChunkList();
  readonly #sendLater = (): void => this.#sendNow();
  /** Progress that is not sent yet: while the reader is behind, only the latest counts. */
  #progress = '';
  #progressWaits = false;

  constructor(connection: AnswerConnection, number: number) {
    this.#connection = connection;
    this.#number = number;
  }

  opened(call: RunningCall): void {
    this.#call = call;
  }

  /** The connection is closed: whoever waited for the answer is gone. */
  abort(): void {
    this.#call?.abort('The caller is gone.');
  }

  progress(fraction: unknown, message: unknown): void {
    this.#progress = progressText(fraction, message);
    if (!this.#connection.isBehind) {
      this.#sendNow();
    } else if (!this.#progressWaits) {
      this.#progressWaits = true;
      void this.#connection.drained().then(() => {
        this.#progressWaits = false;
        if (this.#progress !== '') this.#sendNow();
      });
    }
  }

  chunk(value: unknown): Promise<void> | undefined {
    if (this.#progress !== '') this.#send();
    const isFirst = this.#gather(value);
    this.#pace ??= new ChunkPace();
    if (!this.#pace.isDue(isFirst, this.#chunks.length)) {
      this.#pace.sendLater(this.#sendLater);
      return undefined;
    }
    this.#sendNow();
    return this.#connection.isBehind ? this.#caughtUp(this.#pace) : this.#pace.turn();
  }

  /** Adds a chunk to those that are not sent yet; whether it is the first of them. */
  #gather(value: unknown): boolean {
    const chunks = this.#chunks;
    const flat = flatLength(value);
    if (flat !== -1) {
      const isFirst = chunks.isEmpty;
      chunks.addFlat(value, flat);
      return isFirst;
    }
    const placed: PlacedBytes[] = [];
    const json = serialize(value, 'chunk', placed);
    refuseTooLong(json, placed, 'chunk');
    // A chunk that is long already does not wait for others, nor make the frame of others longer than one may be.
    if (!chunks.isEmpty && json.length + byteLengthOf(placed) > GATHER_CHARACTERS) this.#send();
    const isFirst = chunks.isEmpty;
    chunks.add(json, placed);
    return isFirst;
  }

  /** A connection that has taken all says so before the event loop turns. */
  async #caughtUp(pace: ChunkPace): Promise<void> {
    await this.#connection.drained();
    await pace.turn();
  }

  result(value: unknown): void {
    const placed: PlacedBytes[] = [];
    const json = serialize(value, 'result', placed);
    refuseTooLong(json, placed, 'result');
    this.#end(FRAME.result, json, placed);
  }

  end(): void {
    this.#end(FRAME.end, '', []);
  }

  error(error: WireError): void {
    const placed: PlacedBytes[] = [];
    this.#end(FRAME.error, writeJson(error, 'error', placed) ?? '', placed);
  }

  #end(type: number, text: string, placed: readonly PlacedBytes[]): void {
    this.#send();
    this.#connection.end(type, this.#number, text, placed);
  }

  /** Not at the turn's end, which a plugin that does not wait never lets come. */
  #sendNow(): void {
    this.#send();
    this.#connection.flush();
  }

  #send(): void {
    if (!this.#chunks.isEmpty) {
      const { text, placed } = this.#chunks.take();
      this.#connection.send(FRAME.chunks, this.#number, text, placed);
    }
    if (this.#progress !== '') {
      this.#connection.send(FRAME.progress, this.#number, this.#progress);
      this.#progress = '';
    }
  }
}

/** As much may be written around a chunk in its frame: brackets, and in each of its places its own. */
const AROUND = 16;

/** No unit of UTF-16 takes more bytes of UTF-8. */
const BYTES_A_UNIT = 3;

/** Refuses a value that does not go into one frame. Its bytes were counted as they were taken. */
function refuseTooLong(text: string, placed: readonly PlacedBytes[], name: string): void {
  if (isLonger(text, MAX_TEXT_BYTES - AROUND)) {
    throw new SerializeError(
      `${name} has more than ${MAX_TEXT_BYTES / 2 ** 20} MiB as JSON; pass it in pieces, or as the path of a file`,
    );
  }
  if (placed.length > 0 && isLonger(writePlaces(placed), MAX_PLACES_BYTES - placed.length * AROUND)) {
    throw new SerializeError(
      `${name} has binary data in so many places that their names have more than ${MAX_PLACES_BYTES / 2 ** 20} MiB; join it, or pass it in pieces`,
    );
  }
}

/** Whether a text has more bytes of UTF-8; they are counted only where it may. */
function isLonger(text: string, limit: number): boolean {
  return text.length * BYTES_A_UNIT > limit && Buffer.byteLength(text) > limit;
}
