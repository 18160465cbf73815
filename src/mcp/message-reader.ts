import { LineReader } from '../channel/line-reader.ts';
import { shortened } from '../text/shortened.ts';
import { answeredIn } from './answered-request.ts';
import { type JsonRpcMessage, NoMessage, readMessage } from './json-rpc.ts';

/** A longer line is ignored, in UTF-16 code units. Servers send pictures as text within a line. */
const MAX_LENGTH = 64 * 1024 * 1024;

/** How much of a line that is no message a warning shows. */
const SHOWN = 200;

/** Where what was read goes. */
export interface MessageSink {
  /** In the order in which they came. */
  onMessage(message: JsonRpcMessage): void;
  /** A line that is no message; a sentence. What comes after it is read all the same. */
  onNoise(warning: string): void;
  /** The answer to a request of ours cannot be read, which is noise as well; `reason` is a clause that says why. */
  onUnreadable?(id: number, reason: string): void;
  /** Nothing more comes. */
  onEnd(): void;
}

/** Reads what a server of MCP writes to its standard output: a message a line. */
export class MessageReader extends LineReader {
  readonly #sink: MessageSink;

  constructor(sink: MessageSink, maxLength = MAX_LENGTH) {
    super(maxLength);
    this.#sink = sink;
  }

  protected onLine(line: string): void {
    let message: JsonRpcMessage;
    try {
      message = readMessage(line);
    } catch (error) {
      if (!(error instanceof NoMessage)) throw error;
      this.#sink.onNoise(
        `It printed a line on standard output that is no message of MCP (${error.message}); what people are to read belongs on standard error: ${shortened(line, SHOWN)}`,
      );
      this.#noteAnswer(line, error.message);
      return;
    }
    this.#sink.onMessage(message);
  }

  protected onTooLong(): void {
    this.skipLine();
    this.#sink.onNoise(
      `It printed a line on standard output that is longer than ${MAX_LENGTH / 2 ** 20} MiB, which was ignored.`,
    );
  }

  protected override onSkipped(beginning: string, end: string): void {
    this.#noteAnswer(`${beginning}${end}`, `it is longer than ${MAX_LENGTH / 2 ** 20} MiB`);
  }

  protected onEnd(): void {
    this.#sink.onEnd();
  }

  #noteAnswer(line: string, reason: string): void {
    const id = answeredIn(line);
    if (id !== undefined) this.#sink.onUnreadable?.(id, reason);
  }
}
