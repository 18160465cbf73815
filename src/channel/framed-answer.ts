import { GreenroomError } from '../errors.ts';
import { FRAME, type Frame } from '../framing/frame.ts';
import { MAX_DEPTH } from '../json/exact-json.ts';
import { MisplacedBytes, putBytes } from '../json/placed-bytes.ts';
import { type Integers, readJson, UnreadableJson } from '../json/read-json.ts';
import { parseAnswer, unreadableError } from './exact-answer.ts';
import type { FrameConnection } from './frame-connection.ts';
import { frameName } from './frame-name.ts';
import { type CallKind, messageText } from './frames.ts';
import { protocolError, remoteError } from './remote-error.ts';
import type { CallInFlight, CallSink, OutgoingCall } from './worker-channel.ts';

/** The levels of a chunk, and the one of the list around it. */
const LIST_LEVELS = MAX_DEPTH + 1;

/** One call over frames: reads its frames, and hands what they say to its sink. */
export class FramedAnswer implements CallInFlight {
  /** What the frames of the call are marked with. */
  readonly number: number;
  readonly kind: CallKind;
  /** Where its next frame is to come from; undefined once the last has come. */
  connection: FrameConnection | undefined;
  /** Whether its last frame was asked for over a connection of its own. */
  isFetched = false;
  readonly #plugin: string;
  readonly #sink: CallSink;
  readonly #integers: Integers;
  #isSettled = false;

  constructor(plugin: string, kind: CallKind, number: number, { integers }: OutgoingCall, sink: CallSink) {
    this.number = number;
    this.kind = kind;
    this.#plugin = plugin;
    this.#sink = sink;
    this.#integers = integers;
  }

  pause(): void {
    this.connection?.pause();
  }

  resume(): void {
    this.connection?.resume();
  }

  /** Whether a frame of this type may come next. */
  takes(type: number): boolean {
    switch (type) {
      case FRAME.result:
        return this.kind === 'execute';
      case FRAME.error:
        return true;
      case FRAME.progress:
        return !this.isFetched;
      case FRAME.chunks:
      case FRAME.end:
        return this.kind === 'stream';
      case FRAME.large:
        return this.connection?.isShared === true;
      default:
        return false;
    }
  }

  /** Hands on progress or chunks. False: what they say makes no sense, and the call has ended for its caller. */
  takePart(frame: Frame): boolean {
    if (this.#isSettled) return true;
    try {
      if (frame.type === FRAME.progress) this.#takeProgress(frame);
      else this.#takeChunks(frame);
      return true;
    } catch (error) {
      this.settle(this.#faultOf(frame, error));
      return false;
    }
  }

  /** What the last frame comes to: a GreenroomError, or the result. */
  outcomeOf(frame: Frame): unknown {
    try {
      switch (frame.type) {
        case FRAME.result:
          return withBytes(readJson(frame.text, this.#integers), frame);
        case FRAME.end:
          return undefined;
        default: {
          const wire = parseAnswer(frame.text, () => true, this.#integers);
          return remoteError(this.#plugin, withBytes(wire, frame));
        }
      }
    } catch (error) {
      return this.#faultOf(frame, error);
    }
  }

  /** Ends the call for its caller, unless it has ended. */
  settle(outcome: unknown): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    if (outcome instanceof GreenroomError) this.#sink.onError(outcome);
    else this.#sink.onResult(outcome);
  }

  #takeProgress(frame: Frame): void {
    const { progress, message } = (readJson(frame.text) ?? {}) as Record<string, unknown>;
    if (typeof progress !== 'number') throw new WrongText('has no progress');
    this.#sink.onProgress(progress, messageText(message));
  }

  #takeChunks(frame: Frame): void {
    const chunks = withBytes(readJson(frame.text, this.#integers, LIST_LEVELS), frame);
    if (!Array.isArray(chunks) || chunks.length === 0) throw new WrongText('is no list of chunks');
    const length = (frame.text.length + frame.bytes.length) / chunks.length;
    for (const chunk of chunks) {
      this.#sink.onChunk(chunk, length);
      // Its taker may have closed the channel.
      if (this.#isSettled) return;
    }
  }

  #faultOf({ type, text }: Frame, error: unknown): GreenroomError {
    if (error instanceof UnreadableJson) return unreadableError(this.#plugin, error);
    const fault =
      error instanceof WrongText
        ? error.message
        : error instanceof MisplacedBytes
          ? `has bytes that do not belong to it: ${error.message}`
          : 'is not JSON';
    return protocolError(this.#plugin, `sent ${frameName(type)} that ${fault}: ${text.slice(0, 80)}`, error);
  }
}

/** A text that says something else than its frame. */
class WrongText extends Error {}

function withBytes(value: unknown, { places, bytes, owned }: Frame): unknown {
  return places === '' && bytes.length === 0 ? value : putBytes(value, places, bytes, owned);
}
