import type { GreenroomError } from '../errors.ts';
import { Call, type CallOptions, type CallSite, nextCallId } from './call.ts';
import { encodeCall, type EncodedCall } from './input.ts';
import { CallStream } from './stream.ts';

/** Calls `execute` of a plugin; resolves to its result. Rejects with a GreenroomError. */
export function executeCall<Output>(site: CallSite, input: unknown, options: CallOptions): Promise<Output> {
  return new Promise<Output>((resolve, reject) => {
    const id = nextCallId();
    const begin = (encoded: EncodedCall): void =>
      new Call(site, 'execute', id, encoded, options, {
        onChunk: () => {},
        onResult: resolve,
        onError: reject,
      }).begin();
    const encoded = encodeCall(site.plugin, id, input);
    // A promise only where a value has to be saved to a file first: the common call stays in one step.
    if (encoded instanceof Promise) encoded.then(begin).catch(reject);
    else begin(encoded);
  });
}

/**
 * Calls `execute_stream` of a plugin. The call starts with the first `next()`; leaving the loop cancels it, and a slow
 * reader slows the worker down.
 */
export function streamCall<Chunk>(site: CallSite, input: unknown, options: CallOptions): CallStream<Chunk> {
  let call: Call | undefined;
  let left = false;
  const stream: CallStream<Chunk> = new CallStream<Chunk>({
    start: () => {
      const id = nextCallId();
      const outcome = {
        onChunk: (chunk: unknown) => stream.push(chunk as Chunk),
        onResult: () => stream.end(),
        onError: (error: GreenroomError) => stream.fail(error),
      };
      const begin = (encoded: EncodedCall): void => {
        call = new Call(site, 'stream', id, encoded, options, outcome);
        call.begin();
        if (left) call.cancel(undefined);
      };
      try {
        const encoded = encodeCall(site.plugin, id, input);
        if (encoded instanceof Promise) encoded.then(begin).catch((error: GreenroomError) => stream.fail(error));
        else begin(encoded);
      } catch (error) {
        stream.fail(error as GreenroomError);
      }
    },
    pause: () => call?.pause(),
    resume: () => call?.resume(),
    cancel: () => {
      left = true;
      call?.cancel(undefined);
    },
  });
  return stream;
}
