import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ManifestWatcher, watchManifests } from '../actors/manifest-watcher.ts';
import { messageOf } from '../errors.ts';
import { Catalogue, type ManifestChange, type ShadowedManifest } from './catalogue.ts';
import { isSameStamp, stampOf } from './file-text.ts';
import { type ManifestEntry, type ManifestProblem, readManifest } from './read.ts';
import { isManifestPath, manifestFiles } from './search-path.ts';

export type { ManifestChange } from './catalogue.ts';

/** What {@link createManifestSource} takes. */
export interface ManifestSourceOptions {
  /** Absolute folders, the most important first. */
  readonly searchPaths: readonly string[];
  /** Whether changes on disk are followed after the first discovery. */
  readonly watch: boolean;
  /** Told of changes in force that the watcher led to. */
  readonly onChanges: (changes: readonly ManifestChange[]) => void;
  /** Told of problems that were not there before. */
  readonly onProblems: (problems: readonly ManifestProblem[]) => void;
}

/** The manifests of some search paths, read from disk and followed there. */
export interface ManifestSource {
  /** Reads what has changed since the last time; resolves to what that changes in force. */
  discover(): Promise<ManifestChange[]>;
  entries(): readonly ManifestEntry[];
  shadowed(): readonly ShadowedManifest[];
  problems(): readonly ManifestProblem[];
  /** Stops following. */
  close(): Promise<void>;
}

/** How long the event loop may be held up by reading, in milliseconds. */
const SLICE_MS = 10;

/** How long a burst of changes is gathered, in milliseconds. */
const GATHER_MS = 10;

/** A source that has read nothing yet; the first `discover` starts the watcher. */
export function createManifestSource(options: ManifestSourceOptions): ManifestSource {
  return new DiskManifests(options);
}

class DiskManifests implements ManifestSource {
  readonly #options: ManifestSourceOptions;
  readonly #catalogue: Catalogue;
  readonly #unreadable = new Map<string, ManifestProblem>();
  readonly #unwatchable = new Map<string, ManifestProblem>();
  #reported = new Set<string>();
  #watcher: ManifestWatcher | undefined;
  #gathered = new Set<string>();
  #rescan = false;
  #timer: NodeJS.Timeout | undefined;
  #scanning: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: ManifestSourceOptions) {
    this.#options = options;
    this.#catalogue = new Catalogue(options.searchPaths);
  }

  async discover(): Promise<ManifestChange[]> {
    const scan = this.#scanning.then(() => this.#scan());
    this.#scanning = scan.catch(() => {});
    await scan;
    // Only now: looking through ten thousand folders takes longer than reading what is in them.
    if (this.#options.watch && !this.#closed) this.#watcher ??= this.#watch();
    return this.#settle();
  }

  entries(): readonly ManifestEntry[] {
    return this.#catalogue.entries();
  }

  shadowed(): readonly ShadowedManifest[] {
    return this.#catalogue.shadowed();
  }

  problems(): readonly ManifestProblem[] {
    return [...this.#unreadable.values(), ...this.#unwatchable.values(), ...this.#catalogue.problems()];
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#watcher?.close();
  }

  #watch(): ManifestWatcher {
    return watchManifests(this.#options.searchPaths, {
      onFile: (path) => {
        this.#gathered.add(path);
        this.#gather();
      },
      onRescan: () => {
        this.#rescan = true;
        this.#gather();
      },
      onError: (searchPath, error) => {
        const reason = `the search path cannot be followed, so changes in it are seen only by discover(): ${messageOf(error)}`;
        this.#unwatchable.set(searchPath, { file: searchPath, reason, severity: 'warning' });
        this.#gather();
      },
    });
  }

  /** The first change of a burst starts the clock, so that a file that is written for ever is read all the same. */
  #gather(): void {
    if (this.#closed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#readGathered();
    }, GATHER_MS).unref();
  }

  async #readGathered(): Promise<void> {
    const files = this.#gathered;
    const rescan = this.#rescan;
    this.#gathered = new Set();
    this.#rescan = false;
    await this.#scanning;
    for (const file of files) {
      const searchPath = this.#options.searchPaths.find((path) => isManifestPath(path, file));
      if (searchPath !== undefined) this.#read(file, searchPath, true);
    }
    const changes = rescan ? await this.discover() : this.#settle();
    if (!this.#closed && changes.length > 0) this.#options.onChanges(changes);
  }

  async #scan(): Promise<void> {
    const gone = new Set(this.#catalogue.files);
    let sliceEnd = performance.now() + SLICE_MS;
    for (const searchPath of this.#options.searchPaths) {
      for (const file of this.#list(searchPath)) {
        gone.delete(file);
        this.#read(file, searchPath, false);
        if (performance.now() < sliceEnd) continue;
        await nextTurn();
        sliceEnd = performance.now() + SLICE_MS;
      }
    }
    for (const file of gone) this.#catalogue.note(file, null);
  }

  #list(searchPath: string): string[] {
    try {
      const files = manifestFiles(searchPath);
      this.#unreadable.delete(searchPath);
      return files;
    } catch (error) {
      const reason = `the search path cannot be read: ${messageOf(error)}`;
      this.#unreadable.set(searchPath, { file: searchPath, reason, severity: 'error' });
      return [];
    }
  }

  #read(file: string, searchPath: string, changed: boolean): void {
    const seen = changed ? undefined : this.#catalogue.reading(file)?.stamp;
    if (seen !== undefined && isSameStamp(seen, stampOf(file))) return;
    this.#catalogue.note(file, readManifest(file, searchPath));
  }

  /** The changes so far, and word of the problems that are new. */
  #settle(): ManifestChange[] {
    const problems = this.problems();
    const fresh = problems.filter((problem) => !this.#reported.has(keyOf(problem)));
    this.#reported = new Set(problems.map(keyOf));
    if (fresh.length > 0) this.#options.onProblems(fresh);
    return this.#catalogue.takeChanges();
  }
}

function keyOf({ file, field, reason }: ManifestProblem): string {
  return `${file}\n${field ?? ''}\n${reason}`;
}
