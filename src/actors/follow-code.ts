import { basename, dirname, isAbsolute } from 'node:path';
import type { Residency } from '../calls/lease-request.ts';
import { filesIn, sourceFolders } from '../code/code-folder.ts';
import { CodeWatcher, type FollowedCode } from '../code/code-watcher.ts';
import { watchAdvice } from '../code/watch-advice.ts';
import type { CodeEvent } from '../machines/code.ts';
import type { PluginState } from '../machines/plugin/phases.ts';
import type { ManifestEntry } from '../manifest/read.ts';
import { FOLDER_MANIFEST } from '../manifest/search-path.ts';
import type { Clock } from '../time/clock.ts';
import { kindOf } from '../worker-kinds/kinds.ts';

/** A plugin whose code is followed. */
export interface CodedPlugin {
  readonly entry: ManifestEntry;
  readonly state: PluginState;
  readonly gate: { readonly serving: readonly Residency[] };
  /** Why its last replacement did not start; undefined where it did. */
  readonly replacementError: Error | undefined;
  /** Whether another worker is being put in the place of the one that serves. */
  readonly replacing: boolean;
  /** Calls back whenever a state was entered. Returns how to stop. */
  watch(watcher: () => void): () => void;
}

/** How the code of plugins is followed. */
export interface FollowingParts {
  readonly clock: Clock;
  /** The pause between two reads of what the system tells no events of, in milliseconds. */
  readonly pollMs: number;
  /** Whether events of the system are not used at all. */
  readonly polls: boolean;
}

/** A worker may import more while it runs: it is asked again after calls, but not more often than this, in milliseconds. */
const ASK_EVERY_MS = 2_000;

/** More files than these are not followed: what is beyond is no code that somebody writes. */
const MAX_FILES = 2_000;

const NOTHING: FollowedCode = { files: [], folders: [] };

/** Tells of changes in the code of a plugin until what is returned is called. */
export function followCode(plugin: CodedPlugin, parts: FollowingParts, tell: (event: CodeEvent) => void): () => void {
  const follower = new CodeFollower(plugin, parts, tell);
  const off = plugin.watch(() => follower.look());
  follower.look();
  return () => {
    off();
    follower.close();
  };
}

/**
 * Follows the files that the newest worker has loaded. Where there was none yet, or the last one did not start, and so
 * has said nothing, it follows the sources in the plugin's folder beside them.
 */
class CodeFollower {
  readonly #plugin: CodedPlugin;
  readonly #parts: FollowingParts;
  readonly #watcher: CodeWatcher;
  readonly #closed = new AbortController();
  #extensions: readonly string[] = [];
  /** What the newest worker that was asked has loaded; empty where none has said so yet. */
  #loaded: readonly string[] = [];
  /** The generation of that worker. */
  #loadedBy = 0;
  /** Which worker was asked last, and when. */
  #asked = { generation: 0, at: -Infinity };
  /** What is followed now: it is looked up anew only when this changes. */
  #scope = '';

  constructor(plugin: CodedPlugin, parts: FollowingParts, tell: (event: CodeEvent) => void) {
    this.#plugin = plugin;
    this.#parts = parts;
    this.#watcher = new CodeWatcher({
      ...parts,
      isSource: (name) => this.#isSource(name),
      onChange: (change) => tell({ type: 'CHANGED', ...change }),
      onError: (folder, error) => tell({ type: 'UNWATCHED', folder, reason: watchAdvice(error) }),
    });
  }

  look(): void {
    const { entry, state, replacementError, replacing, gate } = this.#plugin;
    const { code } = kindOf(entry.manifest);
    this.#extensions = code?.extensions ?? [];
    const isUnsure = this.#loaded.length === 0 || state === 'crashed' || replacementError !== undefined;
    // What comes while a worker starts is most likely its own.
    const isStarting = state === 'spawning' || replacing;
    const scope = [entry.file, code !== undefined, isUnsure, isStarting, this.#loadedBy, this.#loaded.length].join(' ');
    if (scope !== this.#scope) {
      this.#scope = scope;
      this.#watcher.follow(code === undefined ? NOTHING : this.#code(isUnsure, isStarting));
    }
    const newest = gate.serving.at(-1);
    if (code !== undefined && newest !== undefined && this.#mayAsk(newest, state)) void this.#ask(newest);
  }

  close(): void {
    this.#closed.abort();
    this.#watcher.close();
  }

  #code(isUnsure: boolean, isStarting: boolean): FollowedCode {
    const loaded = this.#loaded.slice(0, MAX_FILES);
    if (!isUnsure) return { files: loaded, folders: [] };
    const { files, folders } = sourcesOf(this.#plugin.entry);
    const present = isStarting ? folders.flatMap((folder) => filesIn(folder, (name) => this.#isSource(name))) : [];
    return { files: [...loaded, ...files, ...present], folders: isStarting ? [] : folders };
  }

  #isSource(name: string): boolean {
    return this.#extensions.some((extension) => name.endsWith(extension));
  }

  #mayAsk({ generation }: Residency, state: PluginState): boolean {
    const { generation: asked, at } = this.#asked;
    return generation > asked || (state === 'ready' && this.#parts.clock.monotonic() - at >= ASK_EVERY_MS);
  }

  async #ask({ generation, channel }: Residency): Promise<void> {
    const { signal } = this.#closed;
    this.#asked = { generation, at: this.#parts.clock.monotonic() };
    try {
      const loaded = await channel.code?.(signal);
      if (loaded === undefined || signal.aborted || generation !== this.#asked.generation) return;
      this.#loaded = loaded;
      this.#loadedBy = generation;
      this.look();
    } catch {
      // Its end, of which its plugin tells. What it had said still counts.
    }
  }
}

/** What may be the code of a plugin of which no worker has said anything. A folder of many manifests is not its own. */
function sourcesOf({ file, folder, resolved: { module } }: ManifestEntry): FollowedCode {
  const files = module !== undefined && isAbsolute(module) ? [module] : [];
  const isOwn = basename(file) === FOLDER_MANIFEST;
  return {
    files,
    folders: isOwn ? [...new Set([...sourceFolders(folder), ...files.map((each) => dirname(each))])] : [],
  };
}
