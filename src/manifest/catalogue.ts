import type { ConfiguredManifests } from '../mcp-config/configured-servers.ts';
import { type Consequence, consequencesOf } from './diff.ts';
import type { ManifestProblem } from './manifest-problem.ts';
import type { ManifestEntry, ManifestReading } from './read.ts';
import { placeName } from './search-path.ts';

/** A change of what is in force under one name. */
export type ManifestChange =
  | { readonly type: 'added'; readonly name: string; readonly entry: ManifestEntry; readonly consequences?: undefined }
  | {
      readonly type: 'changed';
      readonly name: string;
      readonly entry: ManifestEntry;
      readonly previous: ManifestEntry;
      readonly consequences: readonly Consequence[];
    }
  | { readonly type: 'removed'; readonly name: string; readonly previous: ManifestEntry };

/** A manifest that is not in force because of another of its name. */
export interface ShadowedManifest {
  readonly entry: ManifestEntry;
  readonly by: ManifestEntry;
}

interface Contest {
  readonly name: string;
  /** The manifests of this name, the most important first. */
  contenders: readonly ManifestEntry[];
  /** The one that {@link Catalogue.takeChanges} has told of. */
  inForce: ManifestEntry | undefined;
}

/**
 * Knows every manifest file and which of them is in force under each name: the one of the earliest search path, and
 * within a search path the one that is in force already, else the one whose folder or file bears the name, else the
 * first by the name of that. A file that has become invalid keeps its last valid manifest in force. What is configured
 * for other clients comes after all of them. No I/O: it is told what was read.
 */
export class Catalogue {
  readonly #rank: ReadonlyMap<string, number>;
  readonly #files = new Map<string, ManifestReading>();
  readonly #contests = new Map<string, Contest>();
  readonly #touched = new Set<Contest>();
  #configured: ConfiguredManifests = { entries: [], problems: [] };

  constructor(searchPaths: readonly string[]) {
    this.#rank = new Map(searchPaths.map((path, index) => [path, index]));
  }

  /** The files that are known. */
  get files(): Iterable<string> {
    return this.#files.keys();
  }

  /** What a file held when it was noted last. */
  reading(file: string): ManifestReading | undefined {
    return this.#files.get(file);
  }

  /** Whether a file is there that could not be read. */
  isAnyUnreadable(): boolean {
    return [...this.#files.values()].some(({ unreadable }) => unreadable === true);
  }

  /** Notes what a file holds now; null where it is gone. */
  note(file: string, reading: ManifestReading | null): void {
    const former = this.#files.get(file)?.entry;
    const entry = reading === null ? undefined : (reading.entry ?? former);
    if (reading === null) this.#files.delete(file);
    else this.#files.set(file, entry === reading.entry ? reading : { ...reading, entry });
    if (entry === former) return;
    if (former !== undefined) this.#withdraw(former);
    if (entry !== undefined) this.#enter(entry);
  }

  /** Takes what the configurations of MCP clients come to now in place of what they came to before. */
  configure(configured: ConfiguredManifests): void {
    for (const entry of this.#configured.entries) this.#withdraw(entry);
    this.#configured = configured;
    for (const entry of configured.entries) this.#enter(entry);
  }

  /** What has changed in force since it was asked last. */
  takeChanges(): ManifestChange[] {
    const changes: ManifestChange[] = [];
    for (const contest of this.#touched) {
      const { name, inForce: previous, contenders } = contest;
      const entry = contenders[0];
      contest.inForce = entry;
      if (entry === undefined) {
        this.#contests.delete(name);
        if (previous !== undefined) changes.push({ type: 'removed', name, previous });
      } else if (previous === undefined) {
        changes.push({ type: 'added', name, entry });
      } else if (previous !== entry) {
        const consequences = consequencesOf(previous, entry);
        if (consequences.length > 0) changes.push({ type: 'changed', name, entry, previous, consequences });
      }
    }
    this.#touched.clear();
    return changes;
  }

  /** The manifests in force. */
  entries(): readonly ManifestEntry[] {
    return [...this.#contests.values()].flatMap(({ inForce }) => inForce ?? []);
  }

  /** The manifests that are not in force because of another one. */
  shadowed(): readonly ShadowedManifest[] {
    const shadowed: ShadowedManifest[] = [];
    for (const { contenders } of this.#contests.values()) {
      if (contenders.length < 2) continue;
      const [by, ...others] = contenders as [ManifestEntry, ...ManifestEntry[]];
      for (const entry of others) shadowed.push({ entry, by });
    }
    return shadowed;
  }

  /**
   * What is wrong with the files as they are; two of one name in one search path are a problem, in two they are not.
   *
   * @param isLeaving of the files that are about to be gone: one that is moved has the same name in two places
   */
  problems(isLeaving: (file: string) => boolean = () => false): readonly ManifestProblem[] {
    const configured = new Set(this.#configured.entries);
    const problems = [...this.#files.values(), this.#configured].flatMap((file) => file.problems);
    for (const { entry, by } of this.shadowed()) {
      if (configured.has(entry) && !isLeaving(by.file)) {
        const reason = `the server "${entry.manifest.name}" is not run: the plugin of ${by.file} has its name`;
        problems.push({ file: entry.file, reason, severity: 'warning' });
        continue;
      }
      if (entry.searchPath !== by.searchPath || isLeaving(entry.file) || isLeaving(by.file)) continue;
      const reason = `"${entry.manifest.name}" is already used by ${by.file}; give this plugin another name`;
      problems.push({ file: entry.file, field: 'name', reason, severity: 'error' });
    }
    return problems;
  }

  #enter(entry: ManifestEntry): void {
    const { name } = entry.manifest;
    let contest = this.#contests.get(name);
    if (contest === undefined) {
      contest = { name, contenders: [entry], inForce: undefined };
      this.#contests.set(name, contest);
    } else {
      const { inForce } = contest;
      contest.contenders = [...contest.contenders, entry].toSorted((a, b) => this.#order(a, b, inForce));
    }
    this.#touched.add(contest);
  }

  #withdraw(entry: ManifestEntry): void {
    const contest = this.#contests.get(entry.manifest.name);
    if (contest === undefined) return;
    contest.contenders = contest.contenders.filter((other) => other !== entry);
    this.#touched.add(contest);
  }

  #order(a: ManifestEntry, b: ManifestEntry, inForce: ManifestEntry | undefined): number {
    const rank = ({ searchPath }: ManifestEntry): number => this.#rank.get(searchPath) ?? Number.POSITIVE_INFINITY;
    // A copy that somebody puts beside a plugin must not take its place, whatever it is called.
    const isOther = ({ file }: ManifestEntry): number => Number(file !== inForce?.file);
    const [placeA, placeB] = [placeName(a.searchPath, a.file), placeName(b.searchPath, b.file)];
    const name = a.manifest.name.normalize('NFC');
    return (
      rank(a) - rank(b) ||
      isOther(a) - isOther(b) ||
      Number(placeA !== name) - Number(placeB !== name) ||
      compare(placeA, placeB) ||
      compare(a.file, b.file)
    );
  }
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
