import type { CallSink } from './worker-channel.ts';

/** How often an older worker is asked for the progress of a call, in milliseconds: it reports nothing by itself. */
const POLL_MS = 200;

/**
 * A sink that also gets the progress that `ask` finds, `{ progress, message }`, each change once, until the call's
 * outcome. An answer that cannot be had is passed over.
 */
export function withPolledProgress(sink: CallSink, ask: () => Promise<unknown>): CallSink {
  let ended = false;
  let last = '';
  let timer: NodeJS.Timeout;

  const poll = async (): Promise<void> => {
    const answer = await ask().catch(() => undefined);
    if (ended) return;
    const { progress, message } = (answer ?? {}) as { progress?: unknown; message?: unknown };
    const now = JSON.stringify([progress, message]);
    if (typeof progress === 'number' && now !== last) {
      last = now;
      sink.onProgress(progress, typeof message === 'string' && message !== '' ? message : undefined);
    }
    wait();
  };
  const wait = (): void => {
    timer = setTimeout(() => void poll(), POLL_MS);
    timer.unref();
  };
  const end = (): void => {
    ended = true;
    clearTimeout(timer);
  };

  wait();
  return {
    onProgress: (progress, message) => sink.onProgress(progress, message),
    onChunk: (chunk) => sink.onChunk(chunk),
    onResult: (result) => {
      end();
      sink.onResult(result);
    },
    onError: (error) => {
      end();
      sink.onError(error);
    },
  };
}
