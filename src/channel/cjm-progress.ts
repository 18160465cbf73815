import { printedJson } from '../json/printed-json.ts';
import type { CallSink } from './worker-channel.ts';

/** How often an older worker is asked for the progress of a call, in milliseconds: it reports nothing by itself. */
const POLL_MS = 200;

/** How long a result waits for the progress before it, in milliseconds. */
const LAST_POLL_MS = 1_000;

/** What an older worker answers whose plugin has reported nothing yet. */
const NOTHING_YET = JSON.stringify([0, '']);

/** A sink whose result may wait for the progress before it. */
export interface PolledSink extends CallSink {
  /** Hands on a result that waits, as nothing more will be told: the worker is ending. */
  hurry(): void;
}

/**
 * A sink that also gets the progress that `ask` finds, `{ progress, message }`, each change once, the last before the
 * result. An answer that cannot be had is passed over. `over` is called before the outcome is handed on.
 */
export function withPolledProgress(
  sink: CallSink,
  ask: (signal: AbortSignal) => Promise<unknown>,
  over: () => void,
): PolledSink {
  const asking = new AbortController();
  let last = '';
  let timer: NodeJS.Timeout;
  let handOn: (() => void) | undefined;

  const tell = (answer: unknown): void => {
    const { progress, message } = (answer ?? {}) as { progress?: unknown; message?: unknown };
    const now = printedJson([progress, message]);
    if (typeof progress !== 'number' || now === last) return;
    last = now;
    sink.onProgress(progress, typeof message === 'string' && message !== '' ? message : undefined);
  };
  const poll = async (): Promise<void> => {
    const answer = await ask(asking.signal).catch(() => undefined);
    if (asking.signal.aborted) return;
    tell(answer);
    wait();
  };
  const wait = (): void => {
    timer = setTimeout(() => void poll(), POLL_MS);
    timer.unref();
  };
  const end = (): void => {
    clearTimeout(timer);
    asking.abort();
  };
  /** A call that ends between two looks has said more than was seen. */
  const lookOnceMore = async (): Promise<void> => {
    const answer = await ask(AbortSignal.timeout(LAST_POLL_MS)).catch(() => undefined);
    if (handOn === undefined) return;
    const { progress, message } = (answer ?? {}) as { progress?: unknown; message?: unknown };
    if (last !== '' || printedJson([progress, message]) !== NOTHING_YET) tell(answer);
  };

  wait();
  return {
    onProgress: (progress, message) => sink.onProgress(progress, message),
    onChunk: (chunk, length) => sink.onChunk(chunk, length),
    onResult: (result) => {
      end();
      handOn = () => {
        handOn = undefined;
        over();
        sink.onResult(result);
      };
      void lookOnceMore().then(() => handOn?.());
    },
    hurry: () => handOn?.(),
    onError: (error) => {
      end();
      over();
      sink.onError(error);
    },
  };
}
