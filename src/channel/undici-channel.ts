import type { Client, Pool } from 'undici';
import { GreenroomError } from '../errors.ts';
import { CallAnswer } from './call-answer.ts';
import { callBody } from './encoded-input.ts';
import { FrameReader } from './frames.ts';
import { remoteError } from './remote-error.ts';
import { type ChannelOptions, field, RequestingChannel } from './requesting-channel.ts';
import type { CallInFlight, CallSink, OutgoingCall } from './worker-channel.ts';
import { connectTo } from './worker-connections.ts';

/** The channel to a worker that speaks version 1 of the protocol: calls are HTTP requests. */
export function createUndiciChannel(options: ChannelOptions): UndiciChannel {
  return new UndiciChannel(options);
}

/** See {@link createUndiciChannel}. */
export class UndiciChannel extends RequestingChannel {
  readonly #calls: Client | Pool;
  readonly #callHeaders: string[];

  constructor(options: ChannelOptions) {
    super(options);
    this.#calls = connectTo(options.address, options.concurrency);
    this.#callHeaders = Object.entries(this.headers).flat();
  }

  override execute(call: OutgoingCall, sink: CallSink): CallInFlight {
    return this.#send('/execute', call, new Answer(this.plugin, 'execute', call, sink));
  }

  protected override sendStream(call: OutgoingCall, sink: CallSink): CallInFlight {
    return this.#send('/execute_stream', call, new Answer(this.plugin, 'stream', call, sink));
  }

  protected override get running(): number {
    return this.#calls.stats.running;
  }

  protected override closeCalls(cause: Error): void {
    this.#calls.destroy(cause).catch(() => {});
  }

  #send(path: string, { id, input, tool, traceparent }: OutgoingCall, answer: Answer): CallInFlight {
    if (input.bytes.length > 0) queueMicrotask(() => answer.sink.onError(noBytesError(this.plugin)));
    else {
      const body = callBody(id, input, tool, traceparent);
      this.#calls.dispatch({ path, method: 'POST', headers: this.#callHeaders, body }, answer);
    }
    return answer;
  }
}

/** `{"result": …}`, `{"error": …}`, or frames. */
class Answer extends CallAnswer {
  protected override readLines(): FrameReader {
    return new FrameReader(this.plugin, this.kind, this.sink, this.integers);
  }

  protected override isError(_status: number, answer: unknown): boolean {
    return field(answer, 'error') !== undefined && field(answer, 'result') === undefined;
  }

  protected override readWhole(status: number, answer: unknown): boolean {
    if (typeof answer !== 'object' || answer === null) return false;
    if (status === 200 && 'result' in answer && this.kind === 'execute') this.sink.onResult(answer.result);
    else if ('error' in answer) this.sink.onError(remoteError(this.plugin, answer.error));
    else return false;
    return true;
  }
}

/** A worker of an SDK is sent bytes over the newer wire. */
function noBytesError(plugin: string): GreenroomError {
  const message = `The input of a call to "${plugin}" has bytes, and its worker speaks version 1 of the worker protocol, which carries only JSON: pass them as base64, or as the path of a file.`;
  return new GreenroomError('E_SERIALIZE', message, { plugin });
}
