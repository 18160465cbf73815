import type { Dispatcher } from 'undici';
import { type Integers, UnreadableJson } from '../json/read-json.ts';
import { CALL_HEADER } from '../protocol.ts';
import { parseAnswer, unreadableError } from './exact-answer.ts';
import type { CallKind } from './frames.ts';
import { type LineReader, MAX_LINE_LENGTH } from './line-reader.ts';
import { protocolError } from './remote-error.ts';
import type { CallInFlight, CallSink, OutgoingCall } from './worker-channel.ts';
import { connectionError } from './worker-connections.ts';

/**
 * One call's answer as undici hands it over: either NDJSON, read line by line, or one JSON text. It is the handler of
 * `dispatch()` itself, because undici's stream of a body costs more than the rest of a small call.
 */
export abstract class CallAnswer implements CallInFlight, Dispatcher.DispatchHandler {
  protected readonly plugin: string;
  protected readonly kind: CallKind;
  readonly sink: CallSink;
  /** The call's identifier. */
  readonly call: string;
  protected readonly integers: Integers;
  #controller: Dispatcher.DispatchController | undefined;
  #pauseWanted = false;
  #ended = false;
  #status = 0;
  #lines: LineReader | undefined;
  #first: Buffer | undefined;
  #more: Buffer[] | undefined;
  #length = 0;

  constructor(plugin: string, kind: CallKind, { id, integers }: OutgoingCall, sink: CallSink) {
    this.plugin = plugin;
    this.call = id;
    this.kind = kind;
    this.sink = sink;
    this.integers = integers;
  }

  /** Makes the reader of an answer in NDJSON; it hands the outcome to the sink. */
  protected abstract readLines(): LineReader;

  /** Whether an answer in one piece is an error. */
  protected abstract isError(status: number, answer: unknown): boolean;

  /** Hands the outcome that an answer in one piece is to the sink; false where it is none. */
  protected abstract readWhole(status: number, answer: unknown): boolean;

  pause(): void {
    this.#pauseWanted = true;
    this.#controller?.pause();
  }

  resume(): void {
    this.#pauseWanted = false;
    this.#controller?.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#pauseWanted) controller.pause();
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.#status = status;
    const answered = headers[CALL_HEADER];
    if (answered !== undefined && answered !== this.call) {
      this.#ended = true;
      // The next answer on this connection would be that of this call.
      controller.abort(new Error('The answer is that of another call.'));
      this.sink.onError(
        protocolError(this.plugin, `answered call ${this.call} with the answer of call ${String(answered)}`),
      );
      return;
    }
    const type = headers['content-type'];
    if (status === 200 && typeof type === 'string' && type.startsWith('application/x-ndjson')) {
      this.#lines = this.readLines();
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, bytes: Buffer): void {
    if (this.#ended) return;
    const lines = this.#lines;
    if (lines === undefined) {
      this.#length += bytes.length;
      if (this.#length > MAX_LINE_LENGTH) {
        this.#ended = true;
        controller.abort(new Error('The answer is too long.'));
        this.#refuse('and more than 256 MiB; send it in pieces, or as a file');
        return;
      }
      if (this.#first === undefined) this.#first = bytes;
      else if (this.#more === undefined) this.#more = [this.#first, bytes];
      else this.#more.push(bytes);
      return;
    }
    // The outcome is out. A connection whose answer goes on regardless must not hold up the next call.
    if (lines.done) {
      controller.abort(new Error('The answer went on after its end.'));
      return;
    }
    lines.write(bytes);
    // Nobody will ask for more after the outcome, and what is left of the answer would hold up the next call.
    if (lines.done && this.#pauseWanted) this.resume();
  }

  onResponseEnd(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#lines === undefined) this.#endWhole();
    else this.#lines.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#ended || this.#lines?.done === true) return;
    this.#ended = true;
    this.sink.onError(connectionError(this.plugin, error));
  }

  #endWhole(): void {
    let text = '';
    let answer: unknown;
    try {
      if (this.#more !== undefined) text = Buffer.concat(this.#more).toString();
      else if (this.#first !== undefined) text = this.#first.toString();
      answer = parseAnswer(text, (read) => this.isError(this.#status, read), this.integers);
    } catch (error) {
      if (error instanceof UnreadableJson) {
        this.sink.onError(unreadableError(this.plugin, error));
        return;
      }
      this.#refuse(`and a body that is not JSON: ${text.slice(0, 80)}`, error);
      return;
    }
    if (!this.readWhole(this.#status, answer)) this.#refuse(`and ${text.slice(0, 80)}`);
  }

  #refuse(what: string, cause?: unknown): void {
    this.sink.onError(protocolError(this.plugin, `answered ${this.kind} with status ${this.#status} ${what}`, cause));
  }
}
