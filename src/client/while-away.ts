import { setTimeout as delay } from 'node:timers/promises';
import { GreenroomError } from '../errors.ts';
import { isPassing } from './passing-errors.ts';
import { Pauses } from './pauses.ts';

/** How long a daemon may be away before it is given up, in milliseconds. */
const MAX_AWAY_MS = 60_000;

/** Bridges the time in which a daemon is replaced, for what outlives it. */
export class WhileAway {
  readonly #signal: AbortSignal | undefined;
  readonly #pauses = new Pauses();
  #awaySince: number | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  /** The daemon was reached. */
  reached(): void {
    this.#pauses.reset();
    this.#awaySince = undefined;
  }

  /**
   * Waits before another attempt. Rejects with the error where another would fail alike, or the daemon has been away for
   * too long, and with the reason of the signal.
   *
   * @param error why the last attempt failed; undefined where it only ended too early
   */
  async pause(error?: unknown): Promise<void> {
    const signal = this.#signal;
    signal?.throwIfAborted();
    this.#awaySince ??= performance.now();
    if (error !== undefined && (!isAway(error) || performance.now() - this.#awaySince > MAX_AWAY_MS)) throw error;
    await delay(this.#pauses.next(), undefined, { signal }).catch(() => signal?.throwIfAborted());
  }

  /** Asks until the daemon answers. Rejects as {@link pause} does. */
  async ask<Answer>(question: () => Promise<Answer>): Promise<Answer> {
    for (;;) {
      try {
        const answer = await question();
        this.reached();
        return answer;
      } catch (error) {
        await this.pause(error);
      }
    }
  }
}

/** Whether no daemon was there, or it is about to end. What else fails there would fail again. */
function isAway(error: unknown): boolean {
  return (
    isPassing(error) && error instanceof GreenroomError && (error.code === 'E_DAEMON' || error.code === 'E_STOPPING')
  );
}
