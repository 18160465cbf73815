import type { CallSink } from '../actors/worker-channel.ts';
import { protocolError, remoteError } from './remote-error.ts';
import { StringDecoder } from 'node:string_decoder';

/** A longer line is no frame, in UTF-16 code units. Node's strings hold about twice as much. */
const MAX_LINE = 256 * 1024 * 1024;

/**
 * Reads an answer in NDJSON frames and hands it to a sink: progress and chunks as they come, then the one last frame.
 * What comes after the last frame, or is no frame, is an `E_PROTOCOL` error.
 */
export class FrameReader {
  readonly #plugin: string;
  readonly #sink: CallSink;
  readonly #decoder = new StringDecoder('utf8');
  #rest: string[] = [];
  #restLength = 0;
  #done = false;

  constructor(plugin: string, sink: CallSink) {
    this.#plugin = plugin;
    this.#sink = sink;
  }

  /** Whether the last frame, or an error, has been handed on. */
  get done(): boolean {
    return this.#done;
  }

  write(bytes: Buffer): void {
    if (this.#done) return;
    const text = this.#decoder.write(bytes);
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      const line = text.slice(start, end);
      start = end + 1;
      if (this.#restLength > 0) {
        this.#rest.push(line);
        const whole = this.#rest.join('');
        this.#rest = [];
        this.#restLength = 0;
        this.#frame(whole);
      } else {
        this.#frame(line);
      }
      if (this.#done) return;
    }
    if (start === text.length) return;
    this.#rest.push(start === 0 ? text : text.slice(start));
    this.#restLength += text.length - start;
    if (this.#restLength > MAX_LINE) this.#fail('sent a line that is too long');
  }

  /** The body has ended; true if that was in order. A worker that dies leaves its last frame out. */
  end(): boolean {
    if (this.#done) return true;
    if (this.#restLength > 0) {
      const whole = this.#rest.join('');
      this.#restLength = 0;
      this.#frame(whole);
    }
    return this.#done;
  }

  #frame(line: string): void {
    if (line === '' || line === '\r') return;
    let frame: unknown;
    try {
      frame = JSON.parse(line);
    } catch (error) {
      this.#fail(`sent a line that is not JSON: ${line.slice(0, 80)}`, error);
      return;
    }
    if (typeof frame !== 'object' || frame === null) {
      this.#fail(`sent a line that is no frame: ${line.slice(0, 80)}`);
    } else if ('chunk' in frame) {
      this.#sink.onChunk(frame.chunk);
    } else if ('progress' in frame && typeof frame.progress === 'number') {
      this.#sink.onProgress(
        frame.progress,
        'message' in frame && typeof frame.message === 'string' ? frame.message : undefined,
      );
    } else if ('result' in frame) {
      this.#done = true;
      this.#sink.onResult(frame.result);
    } else if ('end' in frame) {
      this.#done = true;
      this.#sink.onResult(undefined);
    } else if ('error' in frame) {
      this.#done = true;
      this.#sink.onError(remoteError(this.#plugin, frame.error));
    } else {
      this.#fail(`sent a line that is no frame: ${line.slice(0, 80)}`);
    }
  }

  #fail(what: string, cause?: unknown): void {
    this.#done = true;
    this.#sink.onError(protocolError(this.#plugin, what, cause));
  }
}
