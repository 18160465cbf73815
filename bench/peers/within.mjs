// @ts-check
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits for an action, but not for ever: rejects after so many milliseconds, or when the signal is aborted, with its
 * reason.
 *
 * @template T @param {number} ms @param {() => Promise<T>} action @param {AbortSignal} [signal] @returns {Promise<T>}
 */
export async function within(ms, action, signal) {
  signal?.throwIfAborted();
  const over = new AbortController();
  const options = { signal: over.signal };
  const late = delay(ms, undefined, options).then(() => {
    throw new Error(`no answer within ${ms / 1_000} s`);
  });
  const aborted = signal === undefined ? late : once(signal, 'abort', options).then(() => signal.throwIfAborted());
  try {
    return /** @type {T} */ (await Promise.race([action(), late, aborted]));
  } finally {
    // The two that have not won are rejected by this, and nobody is told.
    late.catch(() => {});
    aborted.catch(() => {});
    over.abort();
  }
}
