import type { GreenroomError } from '../errors.ts';

/** Told of the end of a call: of the error, if it failed. Must not throw. */
export type CallEnd = (error?: GreenroomError) => void;

/**
 * Told of a call that begins; `call` tells calls apart. What it returns is told of the end; undefined: that is not of
 * interest. Must not throw.
 */
export type CallWatcher = (plugin: string, call: string) => CallEnd | undefined;

/** Lets one watcher see the calls of a supervisor. Without one, a call costs nothing for it. */
export class CallWatch {
  #watcher: CallWatcher | undefined;

  /** Returns how to stop watching. */
  start(watcher: CallWatcher): () => void {
    this.#watcher = watcher;
    return () => {
      if (this.#watcher === watcher) this.#watcher = undefined;
    };
  }

  /** A call begins. Returns what is to be told of its end. */
  begin(plugin: string, call: string): CallEnd | undefined {
    return this.#watcher?.(plugin, call);
  }
}
