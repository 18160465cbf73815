import type { ServerResponse } from 'node:http';
import { type JsonRpcMessage, writeMessage } from '../mcp/json-rpc.ts';
import { EventStream } from '../server/event-stream.ts';
import { SlowReader } from './slow-reader.ts';

/** A stream of messages as an answer. */
export class MessageStream {
  readonly #stream: EventStream;
  readonly #reader: SlowReader;

  constructor(response: ServerResponse) {
    // A proxy that gathers what it passes on would hold messages back.
    response.setHeader('x-accel-buffering', 'no');
    const stream = new EventStream(response);
    this.#stream = stream;
    this.#reader = new SlowReader({
      get behind() {
        return stream.behind;
      },
      send: (message) => void stream.send('message', writeMessage(message)),
      onDrained: (listener) => void stream.drained().then(listener),
      endUnread: (afterMs) => stream.endUnread(afterMs),
    });
  }

  /** Whether the reader is there, and can be asked something. */
  get isRead(): boolean {
    return !this.#stream.closed && !this.#reader.isBehind;
  }

  /** Sends a message; to a reader that is behind, what it can do without later, or not. */
  send(message: JsonRpcMessage): void {
    if (!this.#stream.closed) this.#reader.send(message);
  }

  /** Ends the answer, with all that was held back and this message. */
  end(last?: JsonRpcMessage): void {
    if (last !== undefined) {
      this.#reader.flush();
      this.send(last);
    }
    this.#stream.end();
  }
}
