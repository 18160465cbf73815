import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { GreenroomError } from '../errors.ts';
import type { Spool } from './spool.ts';

/** Other bytes for those from `start` up to `end`. */
export interface BodyEdit {
  readonly start: number;
  readonly end: number;
  readonly text: Buffer;
}

/** The body of a form: what was put aside of it, with another value where that is wanted, and what still comes. */
export class FormBody extends Readable {
  readonly #request: IncomingMessage;
  readonly #idleMs: number;
  #kept: AsyncIterator<Buffer> | undefined;
  #idle: NodeJS.Timeout | undefined;
  /** How many bytes it has, where the request says so. */
  readonly bytes: number | undefined;

  /** @param idleMs how long the client may pause */
  constructor(spool: Spool, edit: BodyEdit | undefined, request: IncomingMessage, idleMs: number) {
    super();
    this.#request = request;
    this.#idleMs = idleMs;
    this.#kept = pieces(spool, edit);
    const length = request.headers['content-length'];
    const more = edit === undefined ? 0 : edit.text.length - (edit.end - edit.start);
    this.bytes = length === undefined ? undefined : Number(length) + more;
    // What has no reader yet must not end the program.
    this.on('error', () => {});
  }

  override _read(): void {
    if (this.#kept === undefined) this.#flow();
    else void this.#pull(this.#kept);
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    clearTimeout(this.#idle);
    this.#request.off('data', this.#take).off('end', this.#end).off('close', this.#close);
    // Many clients read no answer before they have sent everything, so what still comes is thrown away.
    this.#request.resume();
    callback(error);
  }

  async #pull(kept: AsyncIterator<Buffer>): Promise<void> {
    try {
      const { value, done } = (await kept.next()) as IteratorResult<Buffer, undefined>;
      if (this.destroyed) return;
      if (done !== true) return void this.push(value);
      this.#kept = undefined;
      if (this.#request.readableEnded) return void this.push(null);
      if (this.#request.destroyed) return this.#close();
      this.#request.on('data', this.#take).on('end', this.#end).on('close', this.#close);
      this.#flow();
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  #flow(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.destroy(stalledError(this.#idleMs)), this.#idleMs);
    this.#request.resume();
  }

  readonly #take = (chunk: Buffer): void => {
    this.#idle?.refresh();
    if (this.push(chunk)) return;
    clearTimeout(this.#idle);
    this.#request.pause();
  };

  readonly #end = (): void => {
    clearTimeout(this.#idle);
    this.push(null);
  };

  readonly #close = (): void => {
    if (!this.#request.readableEnded) this.destroy(new Error('The client has gone.'));
  };
}

async function* pieces(spool: Spool, edit: BodyEdit | undefined): AsyncGenerator<Buffer> {
  if (edit === undefined) return yield* spool.read(0, spool.size);
  yield* spool.read(0, edit.start);
  yield edit.text;
  yield* spool.read(edit.end, spool.size);
}

function stalledError(idleMs: number): GreenroomError {
  return new GreenroomError('E_TIMEOUT', `The client sent no part of its form for ${idleMs / 1_000} s.`);
}
