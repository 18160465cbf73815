import type { GreenroomError } from '../errors.ts';
import type { CallOutcome } from './call-outcome.ts';

/**
 * Told of a call that begins; `call` tells calls apart. What it returns is told of the end: of the error, if it failed.
 * Undefined: the end is not of interest.
 */
export type CallWatcher = (plugin: string, call: string) => ((error?: GreenroomError) => void) | undefined;

/** Lets one watcher see the calls of a supervisor. Without one, a call costs nothing for it. */
export class CallWatch {
  #watcher: CallWatcher | undefined;

  /** Returns how to stop watching. Neither the watcher nor what it returns may throw. */
  start(watcher: CallWatcher): () => void {
    this.#watcher = watcher;
    return () => {
      if (this.#watcher === watcher) this.#watcher = undefined;
    };
  }

  /** A call begins. Returns where its outcome is to go instead, so that its end is seen. */
  begin(plugin: string, call: string, outcome: CallOutcome): CallOutcome {
    const onEnd = this.#watcher?.(plugin, call);
    if (onEnd === undefined) return outcome;
    return {
      get idleSince() {
        return outcome.idleSince;
      },
      onChunk: (chunk, length) => outcome.onChunk(chunk, length),
      onResult(result) {
        onEnd();
        outcome.onResult(result);
      },
      onError(error) {
        onEnd(error);
        outcome.onError(error);
      },
    };
  }
}
