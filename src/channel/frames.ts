import { writeJson } from '../json/exact-json.ts';
import { type Integers, UnreadableJson } from '../json/read-json.ts';
import { parseAnswer, unreadableError } from './exact-answer.ts';
import { LineReader } from './line-reader.ts';
import { brokenError, protocolError, remoteError } from './remote-error.ts';
import type { CallSink } from './worker-channel.ts';

/** Which of the two ways of calling a plugin a call takes. */
export type CallKind = 'execute' | 'stream';

/**
 * Reads an answer in NDJSON frames and hands it to a sink: progress and chunks as they come, then the one last frame.
 * A line that is no frame of this kind of call is an `E_PROTOCOL` error, a body without a last frame `E_CRASHED`, a
 * value that cannot be read exactly `E_SERIALIZE`.
 */
export class FrameReader extends LineReader {
  readonly #plugin: string;
  readonly #kind: CallKind;
  readonly #sink: CallSink;
  readonly #integers: Integers;

  constructor(plugin: string, kind: CallKind, sink: CallSink, integers: Integers, maxLength?: number) {
    super(maxLength);
    this.#plugin = plugin;
    this.#kind = kind;
    this.#sink = sink;
    this.#integers = integers;
  }

  protected override onLine(line: string): void {
    let frame: unknown;
    try {
      frame = parseAnswer(line, isErrorFrame, this.#integers);
    } catch (error) {
      if (error instanceof UnreadableJson) {
        this.finish();
        this.#sink.onError(unreadableError(this.#plugin, error));
        return;
      }
      this.#refuse(`sent a line that is not JSON: ${line.slice(0, 80)}`, error);
      return;
    }
    if (typeof frame !== 'object' || frame === null) {
      this.#refuse(`sent a line that is not a frame: ${line.slice(0, 80)}`);
    } else if ('chunk' in frame && this.#kind === 'stream') {
      this.#sink.onChunk(frame.chunk, line.length);
    } else if ('progress' in frame && typeof frame.progress === 'number') {
      this.#sink.onProgress(frame.progress, 'message' in frame ? messageText(frame.message) : undefined);
    } else if ('result' in frame && this.#kind === 'execute') {
      this.finish();
      this.#sink.onResult(frame.result);
    } else if ('end' in frame && frame.end === true && this.#kind === 'stream') {
      this.finish();
      this.#sink.onResult(undefined);
    } else if ('error' in frame) {
      this.finish();
      this.#sink.onError(remoteError(this.#plugin, frame.error));
    } else {
      this.#refuse(`answered ${this.#kind} with an unexpected frame: ${line.slice(0, 80)}`);
    }
  }

  protected override onTooLong(): void {
    this.#refuse('sent a line that is too long for one value; send it in pieces, or as a file');
  }

  protected override onEnd(): void {
    this.finish();
    this.#sink.onError(brokenError(this.#plugin, new Error('The answer ended without its last frame.')));
  }

  #refuse(what: string, cause?: unknown): void {
    this.finish();
    this.#sink.onError(protocolError(this.#plugin, what, cause));
  }
}

function isErrorFrame(frame: unknown): boolean {
  return typeof frame === 'object' && frame !== null && 'error' in frame && !('chunk' in frame || 'result' in frame);
}

/** A message as text; the protocol asks for one, and not every worker keeps to it. */
export function messageText(message: unknown): string | undefined {
  if (message === undefined || message === null) return undefined;
  return typeof message === 'string' ? message : writeJson(message, 'message');
}
