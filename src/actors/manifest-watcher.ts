import { type FSWatcher as FolderWatcher, statSync, watch as watchFolder } from 'node:fs';
import { join, parse } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';

/** What a watcher of search paths tells. */
export interface ManifestWatcherEvents {
  /** A file of a search path, or of a folder in one, may have changed. */
  onFile(path: string): void;
  /** Anything may have changed: read all anew. */
  onRescan(): void;
}

/** Follows what happens in some search paths. */
export interface ManifestWatcher {
  close(): Promise<void>;
}

/**
 * Watches search paths, those too that are not there yet, go and come back, or are links that change their target.
 * Only folders are watched: a watch on each of 10,000 files would cost 100 MB. It never keeps the program alive.
 */
export function watchManifests(searchPaths: readonly string[], events: ManifestWatcherEvents): ManifestWatcher {
  const watched = searchPaths.map((path) => new WatchedPath(path, events));
  return {
    close: async () => {
      await Promise.all(watched.map((path) => path.close()));
    },
  };
}

/** How long a folder is left alone after it was found changed, before it is watched anew, in milliseconds. */
const REARM_MS = 20;

class WatchedPath {
  readonly #path: string;
  readonly #events: ManifestWatcherEvents;
  /** The folders on the way to the path; each tells when the next one comes, goes or is exchanged. */
  #way: FolderWatcher[] = [];
  #content: FSWatcher | undefined;
  #identity: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(path: string, events: ManifestWatcherEvents) {
    this.#path = path;
    this.#events = events;
    this.#arm();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#disarmWay();
    await this.#content?.close();
  }

  #arm(): void {
    if (this.#closed) return;
    this.#disarmWay();
    this.#watchWay();
    const identity = identityOf(this.#path);
    if (identity === this.#identity) return;
    this.#identity = identity;
    void this.#content?.close();
    this.#content = identity === undefined ? undefined : this.#watchContent();
    this.#events.onRescan();
  }

  #rearm(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#arm(), REARM_MS).unref();
  }

  /** chokidar says nothing about a path whose parents come, go or are links that are exchanged, so they are watched here. */
  #watchWay(): void {
    const { root } = parse(this.#path);
    const names = this.#path
      .slice(root.length)
      .split(/[\\/]/)
      .filter((name) => name !== '');
    let folder = root;
    for (const name of names) {
      try {
        const watcher = watchFolder(folder, { persistent: false }, (_event, changed) => {
          if (changed === null || changed === name || changed === parse(folder).base) this.#rearm();
        });
        watcher.on('error', () => this.#rearm());
        this.#way.push(watcher);
      } catch {
        // Not there or not to be read: the folder before tells when that changes.
        return;
      }
      folder = join(folder, name);
    }
  }

  #disarmWay(): void {
    for (const watcher of this.#way.splice(0)) watcher.close();
  }

  #watchContent(): FSWatcher {
    const watcher = watch(this.#path, {
      depth: 1,
      ignoreInitial: true,
      persistent: false,
      // Files are not watched one by one; their folder's raw events name them.
      ignored: (_path, stats) => stats?.isFile() === true,
    });
    watcher.on('raw', (_event, name, details) => {
      const { watchedPath } = details as { watchedPath?: string };
      if (watchedPath === undefined) return;
      // Without a name, or with that of a folder, anything in it may have changed.
      if (typeof name === 'string' && name.endsWith('.json')) this.#events.onFile(join(watchedPath, name));
      else this.#events.onRescan();
      if (watchedPath === this.#path && identityOf(this.#path) !== this.#identity) this.#rearm();
    });
    watcher.on('addDir', () => this.#events.onRescan());
    watcher.on('unlinkDir', () => this.#events.onRescan());
    watcher.on('error', () => this.#rearm());
    // Whatever happened while the folders were being looked through was told by nobody.
    watcher.once('ready', () => this.#events.onRescan());
    return watcher;
  }
}

/** Tells one folder from another at the same path; undefined where there is none. */
function identityOf(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isDirectory() === true ? `${stat.dev}:${stat.ino}` : undefined;
}
