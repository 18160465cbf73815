import { inspect } from 'node:util';
import { GreenroomError } from '../errors.ts';
import { Call, type CallOptions, type CallSite, nextCallId } from './call.ts';
import { encodeCall, type EncodedCall, type UnsavedCall } from './input.ts';
import { CallStream } from './stream.ts';
import { StreamHandle } from './stream-handle.ts';

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
    // Without values to be saved to files the call begins in this same step.
    if ('save' in encoded) encoded.save().then(begin).catch(reject);
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
  const id = nextCallId();
  let encoded: EncodedCall | UnsavedCall | GreenroomError;
  try {
    checkOptions(site.plugin, options);
    // Now, and not at the first `next()`, until when the caller may have changed it.
    encoded = encodeCall(site.plugin, id, input);
  } catch (error) {
    encoded = error as GreenroomError;
  }
  const stream: CallStream<Chunk> = new CallStream<Chunk>({
    start: () => {
      const outcome = {
        onChunk: (chunk: unknown, length: number) => stream.push(chunk as Chunk, length),
        onResult: () => stream.end(),
        onError: (error: GreenroomError) => stream.fail(error),
      };
      const begin = (encoded: EncodedCall): void => {
        call = new Call(site, 'stream', id, encoded, options, outcome);
        call.begin();
        if (left) call.cancel(undefined);
      };
      if (encoded instanceof GreenroomError) stream.fail(encoded);
      else if ('save' in encoded)
        encoded
          .save()
          .then(begin)
          .catch((error: GreenroomError) => stream.fail(error));
      else begin(encoded);
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

function checkOptions(plugin: string, { timeoutMs, signal, priority, onProgress, idempotent }: CallOptions): void {
  const wrong = (option: string, expected: string, value: unknown): never => {
    const got = inspect(value, { depth: 0, maxStringLength: 100 });
    throw new GreenroomError(
      'E_OPTIONS',
      `The option "${option}" of a call of "${plugin}" must be ${expected}, got ${got}.`,
      { plugin },
    );
  };
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs > 0)) {
    wrong('timeoutMs', 'a number of milliseconds above 0, or Infinity for no limit', timeoutMs);
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) wrong('signal', 'an AbortSignal', signal);
  if (priority !== undefined && !Number.isFinite(priority)) wrong('priority', 'a finite number', priority);
  if (onProgress !== undefined && typeof onProgress !== 'function') wrong('onProgress', 'a function', onProgress);
  if (idempotent !== undefined && typeof idempotent !== 'boolean') wrong('idempotent', 'true or false', idempotent);
}
