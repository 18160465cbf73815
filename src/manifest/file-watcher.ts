import { realPath } from '../files/real-path.ts';
import { WayWatcher } from './way-watcher.ts';

/** What a {@link FileWatcher} tells. */
export interface FileWatcherEvents {
  /** One of the files may have changed, come or gone. */
  onChange(): void;
  /** A file cannot be watched, or not wholly. */
  onError(path: string, error: unknown): void;
}

/** How long after a change the folders are watched anew, in milliseconds: they may have been exchanged for others. */
const REARM_MS = 20;

/**
 * Watches single files, wherever they are: those too that are not there yet, are replaced, or are links. It watches the
 * folders on the way to each, and in them only names on the way. It never keeps the program alive.
 */
export class FileWatcher {
  readonly #events: FileWatcherEvents;
  readonly #watched = new Map<string, WatchedFile>();
  #closed = false;

  constructor(events: FileWatcherEvents) {
    this.#events = events;
  }

  /** Watches these files, and no others any more. A file that was not watched until now is told as changed. */
  watch(paths: ReadonlySet<string>): void {
    if (this.#closed) return;
    for (const [path, file] of this.#watched) {
      if (paths.has(path)) continue;
      file.close();
      this.#watched.delete(path);
    }
    for (const path of paths) {
      if (this.#watched.has(path)) continue;
      this.#watched.set(path, new WatchedFile(path, this.#events));
      // Whatever has happened to it since it was read was told by nobody.
      this.#events.onChange();
    }
  }

  /** Watches nothing any more. */
  close(): void {
    this.#closed = true;
    for (const file of this.#watched.values()) file.close();
    this.#watched.clear();
  }
}

class WatchedFile {
  readonly #path: string;
  readonly #events: FileWatcherEvents;
  #ways: WayWatcher[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(path: string, events: FileWatcherEvents) {
    this.#path = path;
    this.#events = events;
    this.#arm();
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const way of this.#ways.splice(0)) way.close();
  }

  /** The way to the file, and that to the file which a link leads to. */
  #arm(): void {
    const former = this.#ways;
    this.#ways = [...new Set([this.#path, realPath(this.#path)])].map(
      (path) =>
        new WayWatcher(
          path,
          () => this.#rearm(),
          (error) => this.#events.onError(this.#path, error),
        ),
    );
    for (const way of this.#ways) way.arm();
    for (const way of former) way.close();
  }

  /** The first change starts the clock, so that a file that is written for ever is told of all the same. */
  #rearm(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#arm();
      this.#events.onChange();
    }, REARM_MS).unref();
  }
}
