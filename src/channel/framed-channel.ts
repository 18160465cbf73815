import { FRAME } from '../framing/frame.ts';
import { fitsShared } from '../framing/shared-limit.ts';
import { callBody, type EncodedInput } from './encoded-input.ts';
import type { FrameConnection } from './frame-connection.ts';
import { FrameConnections } from './frame-connections.ts';
import { socketsTo } from './frame-socket.ts';
import { FramedAnswer } from './framed-answer.ts';
import type { CallKind } from './frames.ts';
import { brokenError } from './remote-error.ts';
import { type ChannelOptions, RequestingChannel } from './requesting-channel.ts';
import type { CallInFlight, CallSink, OutgoingCall } from './worker-channel.ts';

/** Where a worker of version 2 listens. */
export interface FramedChannelOptions extends ChannelOptions {
  /** The address for frames, `unix:/path` or `tcp:host:port`. */
  readonly frames: string;
  /** Identifies the start of the worker. */
  readonly nonce: string;
}

/** The channel to a worker that speaks version 2 of the protocol: calls are frames. */
export function createFramedChannel(options: FramedChannelOptions): FramedChannel {
  return new FramedChannel(options);
}

const LAST_NUMBER = 2 ** 32 - 1;

/** See {@link createFramedChannel}. Opens its first connection at once. */
export class FramedChannel extends RequestingChannel {
  /** The address for frames. */
  readonly frames: string;
  /** The worker has welcomed the first connection; rejects with `E_PROTOCOL` or `E_CRASHED` where it does not. */
  readonly greeted: Promise<void>;
  readonly #connections: FrameConnections;
  /** Whether the worker runs several calls at once. */
  readonly #isSharing: boolean;
  #lastNumber = 0;
  #closed: Error | undefined;

  constructor(options: FramedChannelOptions) {
    super(options);
    const { plugin, token, nonce, frames, concurrency } = options;
    this.#connections = new FrameConnections({ plugin, token, nonce, open: socketsTo(frames) });
    this.#isSharing = concurrency > 1;
    this.frames = frames;
    const first = this.#isSharing ? this.#connections.shared() : this.#connections.unshared();
    this.greeted = first.greeted();
    // Nobody may be waiting for it.
    this.greeted.catch(() => {});
  }

  override execute(call: OutgoingCall, sink: CallSink): CallInFlight {
    return this.#send('execute', call, sink);
  }

  protected override sendStream(call: OutgoingCall, sink: CallSink): CallInFlight {
    return this.#send('stream', call, sink);
  }

  protected override get running(): number {
    return this.#connections.calls.size;
  }

  protected override closeCalls(cause: Error): void {
    this.#closed = cause;
    this.#connections.close(cause);
  }

  #send(kind: CallKind, call: OutgoingCall, sink: CallSink): CallInFlight {
    const answer = new FramedAnswer(this.plugin, kind, this.#nextNumber(), call, sink);
    if (this.#closed !== undefined) {
      const error = brokenError(this.plugin, this.#closed);
      queueMicrotask(() => answer.settle(error));
      return answer;
    }
    const { id, input, tool, traceparent } = call;
    const body = callBody(id, input, tool, traceparent);
    this.#connections.calls.set(answer.number, answer);
    this.#connectionFor(kind, body, input).send(answer, FRAME[kind], body, input.bytes);
    return answer;
  }

  /** Streams, and inputs that small calls would have to wait for, have a connection of their own. */
  #connectionFor(kind: CallKind, body: string, { bytes }: EncodedInput): FrameConnection {
    const isShared = this.#isSharing && kind === 'execute' && fitsShared(body, bytes);
    return isShared ? this.#connections.shared() : this.#connections.unshared();
  }

  /** Numbers come round again, and a call may run for long. */
  #nextNumber(): number {
    do this.#lastNumber = this.#lastNumber === LAST_NUMBER ? 1 : this.#lastNumber + 1;
    while (this.#connections.calls.has(this.#lastNumber));
    return this.#lastNumber;
  }
}
