import { type Stats, statSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { FSWatcher } from 'chokidar';
import { isSetAside } from './backup-name.ts';
import { FOLDER_MANIFEST, isManifestPath } from './search-path.ts';
import { WayWatcher } from './way-watcher.ts';

/** What a watcher of search paths tells. */
export interface ManifestWatcherEvents {
  /** A file of a search path, or of a folder in one, may have changed. */
  onFile(path: string): void;
  /** Anything may have changed: read all anew. */
  onRescan(): void;
  /** A search path cannot be watched, or not wholly. */
  onError(searchPath: string, error: unknown): void;
}

/** Follows what happens in some search paths. */
export interface ManifestWatcher {
  close(): Promise<void>;
}

/**
 * Watches search paths (absolute and normalized), those too that are not there yet, go and come back, or are links that
 * change their target. Folders are watched, and the targets of linked files: a watch on each of 10,000 files would
 * cost 100 MB. It does not keep the program alive, except on Windows.
 */
export function watchManifests(searchPaths: readonly string[], events: ManifestWatcherEvents): ManifestWatcher {
  const watched = searchPaths.map((path) => new WatchedPath(path, events));
  return {
    close: async () => {
      await Promise.all(watched.map((path) => path.close()));
    },
  };
}

/** How long folders must be at rest, after one was found changed, before they are watched anew, in milliseconds. */
const REARM_MS = 20;

/**
 * One search path. chokidar follows what is in it, and says nothing of a path whose parents come and go, nor of a
 * folder that is exchanged for another of its name: such a folder is told by its identity, and everything is then
 * watched anew.
 */
class WatchedPath {
  readonly #path: string;
  readonly #events: ManifestWatcherEvents;
  readonly #way: WayWatcher;
  #content: FSWatcher | undefined;
  /** Which folder `#content` watches; undefined where there is none, or it is no longer the right one. */
  #identity: string | undefined;
  /** Which folders are in it, by name. */
  readonly #folders = new Map<string, string>();
  /** The manifests in it that are links to files. */
  readonly #links = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(path: string, events: ManifestWatcherEvents) {
    this.#path = path;
    this.#events = events;
    this.#way = new WayWatcher(
      path,
      () => {
        // One that was away and is back is the same folder, and chokidar may have given it up meanwhile.
        this.#identity = undefined;
        this.#rearm();
      },
      (error) => events.onError(path, error),
    );
    this.#arm();
    // Whatever has happened to it until now was told by nobody.
    if (this.#content === undefined) events.onRescan();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#way.close();
    await closed(this.#content);
  }

  #arm(): void {
    // The way first: what comes after the look at the folder is then told.
    this.#way.arm();
    let identity: string | undefined;
    try {
      identity = currentIdentity(this.#path);
    } catch (error) {
      // A folder that cannot be looked at need not be gone.
      this.#events.onError(this.#path, error);
      return;
    }
    if (identity === this.#identity) return;
    this.#identity = identity;
    this.#folders.clear();
    this.#links.clear();
    void closed(this.#content);
    this.#content = identity === undefined ? undefined : this.#watchContent();
  }

  #rearm(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#arm();
      this.#events.onRescan();
    }, REARM_MS).unref();
  }

  #watchContent(): FSWatcher {
    const onFile = (path: string): void => this.#events.onFile(path);
    const watcher = new FSWatcher({
      depth: 1,
      atomic: false,
      // chokidar hears the errors of its watches only if they are persistent, and Windows raises one for a deleted folder.
      persistent: process.platform === 'win32',
      ignored: (path, stats) => this.#isIgnored(path, stats),
    });
    // Variables of chokidar's overrule its options, and polling folders as it does would show no edit of a file in one.
    watcher.options = { ...watcher.options, usePolling: false };
    return (
      watcher
        .on('raw', (event, name, details) => this.#hear(event, name, (details as { watchedPath?: string }).watchedPath))
        .on('addDir', (path, stats) => {
          if (stats !== undefined && path !== this.#path) this.#folders.set(basename(path), identityOf(stats));
        })
        // Of files, only linked ones are watched.
        .on('change', onFile)
        .on('unlink', onFile)
        .on('error', (error) => this.#events.onError(this.#path, error))
        // Whatever happened while the folders were being looked through was told by nobody.
        .on('ready', () => this.#events.onRescan())
        .add(this.#path)
    );
  }

  /** What is set aside is left alone: an editor's folders and a `.git` would only cost watches. */
  #isIgnored(path: string, stats: Stats | undefined): boolean {
    const isAside = dirname(normalize(path)) === this.#path && isSetAside(basename(path));
    return isAside || this.#isPlainFile(path, stats);
  }

  /** A file is not watched itself, as its folder names it. The folder of a link says nothing of the link's target. */
  #isPlainFile(path: string, stats: Stats | undefined): boolean {
    if (stats?.isSymbolicLink() === true && isManifestPath(this.#path, normalize(path)))
      this.#links.add(normalize(path));
    return stats?.isFile() === true && !(this.#links.size > 0 && this.#links.has(normalize(path)));
  }

  #hear(event: string, name: string | null, watchedPath: string | undefined): void {
    const watched = watchedPath === undefined ? undefined : normalize(watchedPath);
    if (watched === this.#path) this.#hearOfContent(event, name);
    else if (watched === undefined) this.#events.onRescan();
    else if (this.#links.has(watched)) this.#events.onFile(watched);
    else if (dirname(watched) === this.#path && (event === 'rename' || name === null || name === FOLDER_MANIFEST)) {
      this.#events.onFile(join(watched, FOLDER_MANIFEST));
    }
  }

  #hearOfContent(event: string, name: string | null): void {
    if (name?.endsWith('.json') === true) this.#events.onFile(join(this.#path, name));
    if (name !== null && event !== 'rename') return;
    const isSelf = name === basename(this.#path) && !isStill(this.#path, this.#identity);
    const isFolder = name !== null && !isSetAside(name) && !isStill(join(this.#path, name), this.#folders.get(name));
    if (name !== null && !isSelf && !isFolder) return;
    this.#identity = undefined;
    this.#events.onRescan();
    this.#rearm();
  }
}

/** chokidar forgets its listeners as it closes, and tells errors all the same of what it was just looking at. */
async function closed(watcher: FSWatcher | undefined): Promise<void> {
  const closing = watcher?.close();
  watcher?.on('error', () => {});
  await closing;
}

/** Tells one folder from another at the same path; a file system may give the number of a deleted one to the next. */
function identityOf({ dev, ino, birthtimeMs }: Stats): string {
  return `${dev}:${ino}:${birthtimeMs}`;
}

/** The identity of the folder at a path now; undefined where there is none. Throws where that cannot be known. */
function currentIdentity(path: string): string | undefined {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats?.isDirectory() === true ? identityOf(stats) : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Whether the folder at a path is the one of that identity, or there is none as before. */
function isStill(path: string, identity: string | undefined): boolean {
  try {
    return currentIdentity(path) === identity;
  } catch {
    return false;
  }
}
