import { StringDecoder } from 'node:string_decoder';

/** A longer line, or answer in one piece, is refused, in UTF-16 code units; Node's strings hold about twice as much. */
export const MAX_LINE_LENGTH = 256 * 1024 * 1024;

/** So much of the beginning and of the end of a line that is passed over is told, in UTF-16 code units. */
const SEEN_LENGTH = 256;

/** Cuts a body of UTF-8 text into lines, however its bytes arrive. Blank lines are passed over. */
export abstract class LineReader {
  readonly #maxLength: number;
  readonly #decoder = new StringDecoder('utf8');
  #pending: string[] = [];
  #pendingLength = 0;
  /** The beginning and the end of the line that is being read, where it was too long and is passed over. */
  #skipped: { readonly beginning: string; end: string } | undefined;
  #done = false;

  constructor(maxLength = MAX_LINE_LENGTH) {
    this.#maxLength = maxLength;
  }

  /** Whether no further line is wanted: the last one has come, or a wrong one. */
  get done(): boolean {
    return this.#done;
  }

  /** Takes the next bytes of the body. */
  write(bytes: Buffer): void {
    if (this.#done) return;
    const text = this.#decoder.write(bytes);
    let start = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      const line = text.slice(start, end);
      start = end + 1;
      if (this.#skipped !== undefined) this.#endSkipped(this.#skipped, line);
      else this.#line(this.#pendingLength === 0 ? line : this.#takePending(line));
      if (this.#done) return;
    }
    if (start === text.length) return;
    if (this.#skipped !== undefined) {
      this.#skipped.end = endOf(this.#skipped.end, text.slice(start));
      return;
    }
    this.#pending.push(start === 0 ? text : text.slice(start));
    this.#pendingLength += text.length - start;
    if (this.#pendingLength > this.#maxLength) this.onTooLong();
  }

  /** Takes the end of the body; the last line need not have been ended. */
  end(): void {
    if (this.#done) return;
    const rest = this.#takePending(this.#decoder.end());
    if (rest !== '') this.#line(rest);
    if (!this.#done) this.onEnd();
  }

  /** Says that no further line is wanted. */
  protected finish(): void {
    this.#done = true;
    this.#pending = [];
  }

  /** Passes over the line that is being read; those after it are read. */
  protected skipLine(): void {
    const whole = this.#takePending('');
    this.#skipped = {
      beginning: whole.slice(0, SEEN_LENGTH),
      end: endOf('', whole),
    };
  }

  /** A line was passed over: how it began, and how it ended. */
  protected onSkipped(_beginning: string, _end: string): void {}

  protected abstract onLine(line: string): void;
  protected abstract onTooLong(): void;
  /** The body has ended without {@link finish}. */
  protected abstract onEnd(): void;

  #endSkipped(skipped: { readonly beginning: string; readonly end: string }, rest: string): void {
    this.#skipped = undefined;
    this.onSkipped(skipped.beginning, endOf(skipped.end, rest));
  }

  #line(line: string): void {
    if (line !== '' && line !== '\r') this.onLine(line);
  }

  #takePending(last: string): string {
    this.#pending.push(last);
    const line = this.#pending.join('');
    this.#pending = [];
    this.#pendingLength = 0;
    return line;
  }
}

function endOf(text: string, more: string): string {
  return more.length >= SEEN_LENGTH ? more.slice(-SEEN_LENGTH) : (text + more).slice(-SEEN_LENGTH);
}
