import { setImmediate as nextTurn } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import { isSameStamp, stampOf } from '../files/file-text.ts';
import { ConfiguredServers, type McpConfigOptions } from '../mcp-config/configured-servers.ts';
import type { Clock } from '../time/clock.ts';
import { Catalogue, type ManifestChange, type ShadowedManifest } from './catalogue.ts';
import { FileWatcher } from './file-watcher.ts';
import type { ManifestProblem } from './manifest-problem.ts';
import { type ManifestWatcher, watchManifests } from './manifest-watcher.ts';
import { silentFileSystem } from './network-file-system.ts';
import { PATIENCE_MS } from './patience.ts';
import { type ManifestCheck, type ManifestEntry, type ManifestReading, readManifest } from './read.ts';
import { isManifestPath, manifestFiles, searchPathFault } from './search-path.ts';

export type { ManifestChange } from './catalogue.ts';

/** What {@link createManifestSource} takes. */
export interface ManifestSourceOptions {
  /** Absolute folders, the most important first. */
  readonly searchPaths: readonly string[];
  /** Those of them that should be there: of one that is not, a problem tells. Default: none. */
  readonly namedPaths?: readonly string[] | undefined;
  /** The configuration files of MCP clients. Default: none. */
  readonly mcpConfigs?: McpConfigOptions | undefined;
  /** Whether changes on disk are followed after the first discovery; `poll`: by looking, not by the system's events. */
  readonly watch: boolean | 'poll';
  /** How long after one look the next one comes where the system's events are not used or not enough, in milliseconds. */
  readonly pollMs: number;
  readonly clock: Clock;
  /** Asked once about each manifest that is read. */
  readonly check?: ManifestCheck | undefined;
  /** Told of changes in force that the watcher led to. */
  readonly onChanges: (changes: readonly ManifestChange[]) => void;
  /** Told of problems that were not there before. */
  readonly onProblems: (problems: readonly ManifestProblem[]) => void;
  /** Told of the files that could not be used and can be again. */
  readonly onSolved?: ((files: readonly string[]) => void) | undefined;
}

/** The manifests of some search paths and configurations, read from disk and followed there. */
export interface ManifestSource {
  /**
   * Reads what has changed since the last time; resolves to what that changes in force. Later by {@link PATIENCE_MS}
   * where manifests are gone or not usable any more.
   */
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

/** The longest wait before what could not be read is tried again, in milliseconds. The first is {@link PATIENCE_MS}. */
const MAX_RETRY_MS = 30_000;

/** A source that has read nothing yet; the first `discover` starts the watcher. */
export function createManifestSource(options: ManifestSourceOptions): ManifestSource {
  return new DiskManifests(options);
}

/** Stands for one wait for a second look. */
type SecondLook = symbol;

class DiskManifests implements ManifestSource {
  readonly #options: ManifestSourceOptions;
  readonly #catalogue: Catalogue;
  readonly #servers: ConfiguredServers;
  readonly #unreadable = new Map<string, ManifestProblem>();
  readonly #unwatchable = new Map<string, ManifestProblem>();
  /** The files of which the last reading does not count yet, with the look that decides. */
  readonly #doubted = new Map<string, SecondLook>();
  /** Ends the waits that go on. */
  readonly #waits = new Set<() => void>();
  #reported = new Set<string>();
  /** The files that cannot be used, as was told last. */
  #faulty: ReadonlySet<string> = new Set();
  #isFollowing = false;
  #isPolling = false;
  #isRetrying = false;
  #watcher: ManifestWatcher | undefined;
  #files: FileWatcher | undefined;
  #gathered = new Set<string>();
  #rescan = false;
  #timer: NodeJS.Timeout | undefined;
  #scanning: Promise<unknown> = Promise.resolve();
  /** Done when all second looks are. */
  #looks: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: ManifestSourceOptions) {
    this.#options = options;
    this.#catalogue = new Catalogue(options.searchPaths);
    this.#servers = new ConfiguredServers(options.mcpConfigs ?? { files: [], dataDir: '', userDataDir: '' });
  }

  async discover(): Promise<ManifestChange[]> {
    // Nothing was in force before the first look, so there is nothing to be careful with.
    await this.#takeSecondLook(await this.#scanInTurn(this.#isFollowing ? Symbol('discovery') : undefined));
    // The watcher may have doubted first what this look found gone.
    await this.#looks;
    // Only now: looking through ten thousand folders takes longer than reading what is in them.
    this.#follow();
    return this.#settle();
  }

  entries(): readonly ManifestEntry[] {
    return this.#catalogue.entries();
  }

  shadowed(): readonly ShadowedManifest[] {
    return this.#catalogue.shadowed();
  }

  problems(): readonly ManifestProblem[] {
    const isLeaving = (file: string): boolean => this.#doubted.has(file);
    // Programs are given them, and what they change must not come back.
    const all = [
      ...this.#missingPaths(),
      ...this.#unreadable.values(),
      ...this.#unwatchable.values(),
      ...this.#catalogue.problems(isLeaving),
    ];
    return all.map((problem) => Object.freeze(problem));
  }

  #missingPaths(): ManifestProblem[] {
    const { namedPaths = [], watch } = this.#options;
    const later = watch === false ? '' : '; its plugins are picked up once there is one';
    return namedPaths.flatMap((file) => {
      const fault = searchPathFault(file);
      return fault === undefined ? [] : [{ file, reason: `${fault}${later}`, severity: 'warning' as const }];
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const end of this.#waits) end();
    this.#files?.close();
    await this.#watcher?.close();
  }

  /* ---- Following ---- */

  #follow(): void {
    if (this.#isFollowing || this.#closed) return;
    this.#isFollowing = true;
    const { watch, searchPaths } = this.#options;
    if (watch === false) return;
    if (watch === 'poll') {
      void this.#poll();
      return;
    }
    for (const path of [...searchPaths, ...this.#servers.paths]) {
      const system = silentFileSystem(path);
      if (system !== undefined) this.#pollBecause(path, `lies on ${system}, which may not tell of changes`);
    }
    this.#files = new FileWatcher({
      onChange: () => {
        for (const path of this.#servers.paths) this.#gathered.add(path);
        this.#gather();
      },
      onError: (path, error) => this.#pollBecause(path, `cannot be watched: ${messageOf(error)}`),
    });
    this.#watcher = watchManifests(searchPaths, {
      onFile: (path) => {
        this.#gathered.add(path);
        this.#gather();
      },
      onRescan: () => {
        this.#rescan = true;
        this.#gather();
      },
      onError: (searchPath, error) => this.#pollBecause(searchPath, `cannot be watched: ${messageOf(error)}`),
    });
  }

  #pollBecause(path: string, why: string): void {
    const what = this.#servers.sources.has(path) ? 'file' : 'search path';
    const reason = `the ${what} ${why}; it is scanned every ${this.#options.pollMs} ms instead ("pollMs")`;
    this.#unwatchable.set(path, { file: path, reason, severity: 'warning' });
    this.#gather();
    void this.#poll();
  }

  async #poll(): Promise<void> {
    if (this.#isPolling) return;
    this.#isPolling = true;
    while (!this.#closed) {
      await this.#wait(this.#options.pollMs);
      this.#rescan = true;
      await this.#readGathered();
    }
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
    if (this.#closed) return;
    const files = this.#gathered;
    const rescan = this.#rescan;
    this.#gathered = new Set();
    this.#rescan = false;
    const look: SecondLook = Symbol('change');
    await this.#scanning;
    await inSlices(files, (file) => this.#readAt(file, look));
    if (rescan) await this.#scanInTurn(look);
    this.#tell();
    if (await this.#takeSecondLook(look)) this.#tell();
  }

  #tell(): void {
    if (this.#closed) return;
    const changes = this.#settle();
    if (changes.length > 0) this.#options.onChanges(changes);
  }

  /** The changes so far, and word of the problems that are new. */
  #settle(): ManifestChange[] {
    const configured = this.#servers.take();
    if (configured !== undefined) this.#catalogue.configure(configured);
    this.#files?.watch(this.#servers.sources);
    const problems = this.problems();
    const fresh = problems.filter((problem) => !this.#reported.has(keyOf(problem)));
    this.#reported = new Set(problems.map(keyOf));
    if (fresh.length > 0) this.#options.onProblems(fresh);
    const faulty = new Set(problems.filter(({ severity }) => severity === 'error').map(({ file }) => file));
    const solved = [...this.#faulty].filter(
      (file) => !faulty.has(file) && this.#catalogue.reading(file)?.entry !== undefined,
    );
    this.#faulty = faulty;
    if (solved.length > 0) this.#options.onSolved?.(solved);
    void this.#retry();
    return this.#catalogue.takeChanges();
  }

  /** What cannot be read, for want of descriptors or of a server, is not told of when it can be read again. */
  async #retry(): Promise<void> {
    if (this.#isRetrying || this.#closed || this.#options.watch === false) return;
    this.#isRetrying = true;
    for (let delayMs = PATIENCE_MS; this.#isAnyUnreadable(); delayMs = Math.min(delayMs * 2, MAX_RETRY_MS)) {
      await this.#wait(delayMs);
      this.#rescan = true;
      await this.#readGathered();
      if (this.#closed) return;
    }
    this.#isRetrying = false;
  }

  #isAnyUnreadable(): boolean {
    return this.#unreadable.size > 0 || this.#catalogue.isAnyUnreadable() || this.#servers.isAnyUnreadable();
  }

  /* ---- Reading ---- */

  /** Scans once the scans before are done, and resolves to the given look. */
  async #scanInTurn(look: SecondLook | undefined): Promise<SecondLook | undefined> {
    const scan = this.#scanning.then(() => this.#scan(look));
    this.#scanning = scan.catch(() => {});
    await scan;
    return look;
  }

  async #scan(look: SecondLook | undefined): Promise<void> {
    const unlisted = new Set(this.#catalogue.files);
    for (const searchPath of this.#options.searchPaths) {
      await inSlices(this.#list(searchPath), (file) => {
        unlisted.delete(file);
        const stamp = this.#catalogue.reading(file)?.stamp;
        if (stamp !== undefined && isSameStamp(stamp, stampOf(file))) this.#doubted.delete(file);
        else this.#read(file, searchPath, look);
      });
    }
    // Of a folder that cannot be listed, files are not gone; of any other, one may have come back by now.
    await inSlices([...unlisted, ...this.#servers.paths], (file) => this.#readAt(file, look));
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

  #searchPathOf(file: string): string | undefined {
    return this.#options.searchPaths.find((path) => isManifestPath(path, file));
  }

  /** Takes in what a file holds now, if it is one of a search path or a configuration. */
  #readAt(file: string, look: SecondLook | undefined): void {
    const searchPath = this.#searchPathOf(file);
    if (searchPath !== undefined) this.#read(file, searchPath, look);
    if (this.#servers.paths.includes(file)) this.#readServers(file, look);
  }

  #read(file: string, searchPath: string, look: SecondLook | undefined): void {
    const reading = readManifest(file, searchPath, this.#options.check);
    if (this.#counts(file, isWorse(reading, this.#catalogue.reading(file)), look)) this.#catalogue.note(file, reading);
  }

  #readServers(file: string, look: SecondLook | undefined): void {
    const reading = this.#servers.read(file);
    if (this.#counts(file, this.#servers.isWorse(file, reading), look)) this.#servers.note(file, reading);
  }

  /** Whether a reading counts; where the file is gone or not usable, only the given look decides. */
  #counts(file: string, isWorse: boolean, look: SecondLook | undefined): boolean {
    const counts = look === undefined || !isWorse;
    if (counts) this.#doubted.delete(file);
    else if (!this.#doubted.has(file)) this.#doubted.set(file, look);
    return counts;
  }

  /** Waits where files are doubted, then takes them as they are; resolves to whether there were any. */
  #takeSecondLook(look: SecondLook | undefined): Promise<boolean> {
    const taken = this.#lookAgain(look);
    this.#looks = Promise.all([this.#looks, taken]);
    return taken;
  }

  async #lookAgain(look: SecondLook | undefined): Promise<boolean> {
    const isOpen = (file: string): boolean => this.#doubted.get(file) === look;
    const files = look === undefined ? [] : [...this.#doubted.keys()].filter(isOpen);
    if (files.length === 0) return false;
    await this.#wait(PATIENCE_MS);
    await inSlices(files, (file) => {
      // One that has been seen well in the meantime may have been lost again, and is then waited for anew.
      if (isOpen(file) && !this.#closed) this.#readAt(file, undefined);
    });
    return true;
  }

  /** Resolves after a time, and at once when the source is closed. */
  #wait(ms: number): Promise<void> {
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const end = (): void => {
        clock.clearTimeout(timer);
        this.#waits.delete(end);
        resolve();
      };
      const timer = clock.setTimeout(end, ms);
      this.#waits.add(end);
    });
  }
}

/** Whether a file says less than it is known to have said: nothing, or nothing usable. */
function isWorse(reading: ManifestReading | null, known: ManifestReading | undefined): boolean {
  if (reading === null) return known !== undefined;
  return reading.entry === undefined && reading.problems[0]?.reason !== known?.problems[0]?.reason;
}

/** Does something with each, a slice of them in a turn of the event loop. */
async function inSlices(files: Iterable<string>, each: (file: string) => void): Promise<void> {
  let sliceEnd = performance.now() + SLICE_MS;
  for (const file of files) {
    each(file);
    if (performance.now() < sliceEnd) continue;
    await nextTurn();
    sliceEnd = performance.now() + SLICE_MS;
  }
}

function keyOf({ file, field, reason }: ManifestProblem): string {
  return `${file}\n${field ?? ''}\n${reason}`;
}
