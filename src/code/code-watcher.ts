import { createHash } from 'node:crypto';
import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { realPath } from '../files/real-path.ts';
import type { Clock } from '../time/clock.ts';
import { filesIn } from './code-folder.ts';

/** Which code is followed. */
export interface FollowedCode {
  /** Absolute paths. */
  readonly files: readonly string[];
  /** Folders in which every source is followed, those too that come later. */
  readonly folders: readonly string[];
}

/** A file that has another content than before. The contents are digests; undefined for a file that was not there. */
export interface CodeChange {
  /** An absolute path. */
  readonly file: string;
  readonly before: string | undefined;
  readonly after: string;
}

/** What a {@link CodeWatcher} needs, and tells. */
export interface CodeWatcherParts {
  readonly clock: Pick<Clock, 'setTimeout' | 'clearTimeout'>;
  /** The pause between two reads of what the system tells no events of, in milliseconds. */
  readonly pollMs: number;
  /** Whether events of the system are not used at all. */
  readonly polls: boolean;
  /** Whether a file of this name is a source. */
  isSource(name: string): boolean;
  /** A file has another content than when it was first followed, or last told of. Contents are told by their digests. */
  onChange(change: CodeChange): void;
  /** The system tells no events of a folder, which is read again and again instead. Told once for each folder. */
  onError(folder: string, error: unknown): void;
}

/**
 * Follows source files by their content: writing the same again is no change, nor is a file that is missing, which an
 * editor may be about to exchange. It watches the folders that the files are in, so that renames are seen and a folder
 * costs one watch. It never keeps the program alive.
 */
export class CodeWatcher {
  readonly #parts: CodeWatcherParts;
  /** The watch of each folder; undefined where it has none and is read instead. */
  readonly #folders = new Map<string, FSWatcher | undefined>();
  /** What each file contained when it was last looked at; undefined for one that was not there. */
  readonly #contents = new Map<string, string | undefined>();
  /** The folders in which every source is followed. */
  #sourceFolders: ReadonlySet<string> = new Set();
  /** The paths by which a file that is reached by links is known to the system. */
  readonly #links = new Map<string, string>();
  readonly #told = new Set<string>();
  #timer: unknown;

  constructor(parts: CodeWatcherParts) {
    this.#parts = parts;
  }

  /** Follows this code, and no other any more. What was followed already is compared with what it was then. */
  follow({ files, folders }: FollowedCode): void {
    const { isSource } = this.#parts;
    this.#sourceFolders = new Set(folders);
    const wanted = new Set([...files, ...folders.flatMap((folder) => filesIn(folder, isSource))]);
    for (const file of this.#contents.keys()) if (!wanted.has(file)) this.#contents.delete(file);
    this.#links.clear();
    for (const file of wanted) {
      if (!this.#contents.has(file)) this.#contents.set(file, contentOf(file));
      const real = realPath(file);
      if (real !== file) this.#links.set(real, file);
    }
    const needed = new Set([...folders, ...[...wanted, ...this.#links.keys()].map((file) => dirname(file))]);
    for (const [folder, watcher] of this.#folders) {
      if (needed.has(folder)) continue;
      watcher?.close();
      this.#folders.delete(folder);
    }
    for (const folder of needed) if (!this.#folders.has(folder)) this.#watch(folder);
    this.#pollSoon();
  }

  /** Follows nothing any more. */
  close(): void {
    this.follow({ files: [], folders: [] });
    this.#parts.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Gives why a folder that is there cannot be watched. */
  #watch(folder: string): unknown {
    this.#folders.set(folder, undefined);
    if (this.#parts.polls) return undefined;
    try {
      const watcher = watch(folder, { persistent: false }, (event, name) => {
        if (name === null) this.#lookAt(folder);
        else this.#look(join(folder, name));
        // Under its own name a folder hears of its own end.
        if (event === 'rename' && name === basename(folder)) this.#unwatch(folder);
      });
      watcher.on('error', () => this.#unwatch(folder));
      this.#folders.set(folder, watcher);
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : error;
    }
    return undefined;
  }

  /** Reads a folder from now on until it can be watched again. */
  #unwatch(folder: string): void {
    this.#folders.get(folder)?.close();
    if (this.#folders.has(folder)) this.#folders.set(folder, undefined);
    this.#pollSoon();
  }

  #pollSoon(): void {
    const { clock, pollMs } = this.#parts;
    if (this.#timer !== undefined || ![...this.#folders.values()].includes(undefined)) return;
    this.#timer = clock.setTimeout(() => {
      this.#timer = undefined;
      for (const [folder, watcher] of this.#folders) {
        if (watcher !== undefined) continue;
        // The first try comes before anyone can listen, and may have failed for a moment only.
        const error = this.#watch(folder);
        if (error !== undefined && !this.#told.has(folder)) {
          this.#told.add(folder);
          this.#parts.onError(folder, error);
        }
        this.#lookAt(folder);
      }
      this.#pollSoon();
    }, pollMs);
  }

  #lookAt(folder: string): void {
    for (const file of [...this.#contents.keys(), ...this.#links.keys()])
      if (dirname(file) === folder) this.#look(file);
    if (this.#sourceFolders.has(folder)) for (const file of filesIn(folder, this.#parts.isSource)) this.#look(file);
  }

  #look(path: string): void {
    const file = this.#links.get(path) ?? path;
    const isFollowed =
      this.#contents.has(file) || (this.#sourceFolders.has(dirname(file)) && this.#parts.isSource(basename(file)));
    if (!isFollowed) return;
    const before = this.#contents.get(file);
    const after = contentOf(file);
    if (after === undefined || after === before) return;
    this.#contents.set(file, after);
    this.#parts.onChange({ file, before, after });
  }
}

/** Tells one content of a file from another; undefined where it cannot be read. */
function contentOf(file: string): string | undefined {
  try {
    return createHash('sha1').update(readFileSync(file)).digest('base64');
  } catch {
    return undefined;
  }
}
