import { type FSWatcher, watch } from 'node:fs';
import { join, parse } from 'node:path';

/**
 * Watches the folders on the way to a path, as far as they are there: each tells when the next one comes, goes, or is
 * exchanged for another. It never keeps the program alive.
 */
export class WayWatcher {
  readonly #path: string;
  readonly #onChange: () => void;
  readonly #onError: (error: Error) => void;
  #folders: FSWatcher[] = [];

  /** Watches nothing before it is armed. `onError` hears why a folder that is there cannot be watched. */
  constructor(path: string, onChange: () => void, onError: (error: Error) => void) {
    this.#path = path;
    this.#onChange = onChange;
    this.#onError = onError;
  }

  /** Watches the folders that are there now in place of those that were. */
  arm(): void {
    this.close();
    const { root } = parse(this.#path);
    let folder = root;
    for (const name of this.#path.slice(root.length).split(/[\\/]/)) {
      if (name === '') continue;
      try {
        this.#folders.push(this.#watch(folder, name));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'ENOENT' || code === 'ENOTDIR') return;
        // One that may be passed and not be read leads to others that may be read.
        if (code !== 'EACCES' && code !== 'EPERM') this.#onError(error as Error);
      }
      folder = join(folder, name);
    }
  }

  close(): void {
    for (const watcher of this.#folders.splice(0)) watcher.close();
  }

  #watch(folder: string, next: string): FSWatcher {
    const own = parse(folder).base;
    const watcher = watch(folder, { persistent: false }, (_event, name) => {
      // Under its own name a folder hears of its own end.
      if (name === null || name === next || name === own) this.#onChange();
    });
    return watcher.on('error', () => this.#onChange());
  }
}
