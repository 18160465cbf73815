import type { WireError } from '../protocol.ts';
import type { RunningCall } from './running-calls.ts';

/** The answer of one call, however it is sent. Ends with one of `result`, `end` and `error`. */
export interface CallAnswer {
  /** Whether values may have bytes in them. */
  readonly carriesBytes: boolean;
  /** Told of the call once it runs, and aborts it where its caller is gone. */
  opened(call: RunningCall): void;
  /**
   * Sends progress at once, or the latest of it when the reader has caught up. What is no number from 0 to 1 is sent as
   * the nearest one, or as -1 for unknown; a message that is no text, as text. Never throws: it may be the plugin's way
   * of saying something in passing.
   */
  progress(fraction: unknown, message: unknown): void;
  /**
   * Sends a chunk: the first at once, later ones are gathered until the generator pauses. Returns a promise when the
   * writing generator must wait, for the reader or to let the event loop turn. Throws a SerializeError.
   */
  chunk(value: unknown): Promise<void> | undefined;
  /** Sends the result of an `execute`. Throws a SerializeError, before anything is sent. */
  result(value: unknown): void;
  /** Ends the chunks of a `stream`. */
  end(): void;
  error(error: WireError): void;
}
