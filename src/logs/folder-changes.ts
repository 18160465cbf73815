import { type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';
import { onAbort } from '../events/abort-watch.ts';
import { makeFolder } from '../files/make-folder.ts';
import { unreadable } from './open-log.ts';

/** Tells which files of a folder change, to one listener. Closed by its signal, which ends what waits for a change. */
export class FolderChanges {
  readonly #folder: string;
  readonly #signal: AbortSignal;
  readonly #watcher: FSWatcher;
  readonly #forget: () => void;
  #changed = new Set<string>();
  #wake: (() => void) | undefined;

  /** Makes the folder if need be. Throws `E_DATA_DIR` where it cannot be watched. */
  constructor(folder: string, signal: AbortSignal) {
    this.#folder = folder;
    this.#signal = signal;
    try {
      makeFolder(folder);
      this.#watcher = watch(folder, { persistent: false }, (_event, name) => {
        if (name === null) return;
        this.#changed.add(join(this.#folder, name));
        this.#wake?.();
      });
    } catch (error) {
      throw unreadable(folder, error);
    }
    // A folder that goes away: nothing changes in it any more.
    this.#watcher.on('error', () => {});
    this.#forget = onAbort(signal, () => this.#close());
  }

  /** Resolves to the paths of what has changed since it was last asked, at once or when something does. Rejects with the signal. */
  async next(): Promise<ReadonlySet<string>> {
    if (this.#changed.size === 0 && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#signal.throwIfAborted();
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }

  #close(): void {
    this.#watcher.close();
    this.#forget();
    this.#wake?.();
  }
}
