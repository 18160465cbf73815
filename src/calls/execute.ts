import { GreenroomError } from '../errors.ts';
import { Call, type CallOptions, type CallSite, nextCallId } from './call.ts';
import { encodeCall, type EncodedCall } from './input.ts';
import { CallStream } from './stream.ts';
import { StreamHandle } from './stream-handle.ts';

/** The longest time a timer of Node can run, about 24.8 days; beyond it they fire at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

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
    checkOptions(site.plugin, options);
    const encoded = encodeCall(site.plugin, id, input);
    // A promise only where a value has to be saved to a file first: the common call stays in one step.
    if (encoded instanceof Promise) encoded.then(begin).catch(reject);
    else begin(encoded);
  });
}

/**
 * Calls `execute_stream` of a plugin. The call starts with the first `next()`; leaving the loop cancels it, as does
 * dropping the stream, once it is collected; a slow reader slows the worker down.
 */
export function streamCall<Chunk>(site: CallSite, input: unknown, options: CallOptions): StreamHandle<Chunk> {
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
        checkOptions(site.plugin, options);
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
  return new StreamHandle(stream);
}

function checkOptions(plugin: string, { timeoutMs, signal, priority, onProgress }: CallOptions): void {
  const wrong = (option: string, expected: string): never => {
    throw new GreenroomError('E_OPTIONS', `The option "${option}" of a call of "${plugin}" must be ${expected}.`, {
      plugin,
    });
  };
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS)) {
    wrong('timeoutMs', `a number of milliseconds from 1 to ${MAX_TIMEOUT_MS}`);
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) wrong('signal', 'an AbortSignal');
  if (priority !== undefined && !Number.isFinite(priority)) wrong('priority', 'a finite number');
  if (onProgress !== undefined && typeof onProgress !== 'function') wrong('onProgress', 'a function');
}
