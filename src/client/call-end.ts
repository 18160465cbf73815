import { cancelledError, timeoutError } from '../calls/call-errors.ts';
import type { CallOptions } from '../calls/call-options.ts';
import { onAbort } from '../events/abort-watch.ts';
import { systemClock } from '../time/clock.ts';
import type { Request } from './daemon-connection.ts';

/** How much longer than a call may take is waited for the daemon to say so, in milliseconds. */
const LATE_MS = 5_000;

/**
 * Ends a call from this side: when its signal aborts, when its reader leaves, and when the daemon has not ended it though
 * its time is over, as one that stands still.
 */
export class CallEnd {
  readonly #end = new AbortController();
  readonly #offs: (() => void)[] = [];
  readonly #plugin: string;

  constructor(plugin: string, { signal, timeoutMs }: CallOptions, left?: AbortSignal) {
    this.#plugin = plugin;
    for (const each of [signal, left]) {
      if (each === undefined) continue;
      const cancel = (): void => this.#end.abort(cancelledError(plugin, each.reason));
      if (each.aborted) cancel();
      else this.#offs.push(onAbort(each, cancel));
    }
    if (timeoutMs === undefined || timeoutMs === Infinity) return;
    const late = (): void =>
      this.#end.abort(timeoutError(plugin, timeoutMs, 'waiting for the daemon, which does not answer'));
    const timer = systemClock.setTimeout(late, timeoutMs + LATE_MS);
    this.#offs.push(() => systemClock.clearTimeout(timer));
  }

  /** How a request is ended with its call. */
  get asRequest(): Pick<Request, 'signal' | 'cancelled'> {
    return { signal: this.#end.signal, cancelled: (reason) => reason as Error };
  }

  /** Nothing ends the call any more. */
  clear(): void {
    for (const off of this.#offs) off();
  }

  /** Ends what is left of the call: nobody waits for it. */
  leave(): void {
    this.clear();
    this.#end.abort(cancelledError(this.#plugin, undefined));
  }
}
