import { type Consequence, consequencesOf } from './diff.ts';
import type { ManifestEntry, ManifestProblem, ManifestReading } from './read.ts';

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
 * within a search path the first by file name. A file that has become invalid keeps its last valid manifest in force.
 * No I/O: it is told what was read.
 */
export class Catalogue {
  readonly #rank: ReadonlyMap<string, number>;
  readonly #files = new Map<string, ManifestReading>();
  readonly #contests = new Map<string, Contest>();
  readonly #touched = new Set<Contest>();

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

  /** What is wrong with the files as they are; two of one name in one search path are a problem, in two they are not. */
  problems(): readonly ManifestProblem[] {
    const problems = [...this.#files.values()].flatMap((file) => file.problems);
    for (const { entry, by } of this.shadowed()) {
      if (entry.searchPath !== by.searchPath) continue;
      const reason = `"${entry.manifest.name}" is already the name of ${by.file}, which is used`;
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
      contest.contenders = [...contest.contenders, entry].toSorted((a, b) => this.#order(a, b));
    }
    this.#touched.add(contest);
  }

  #withdraw(entry: ManifestEntry): void {
    const contest = this.#contests.get(entry.manifest.name);
    if (contest === undefined) return;
    contest.contenders = contest.contenders.filter((other) => other !== entry);
    this.#touched.add(contest);
  }

  #order(a: ManifestEntry, b: ManifestEntry): number {
    const rank = (entry: ManifestEntry): number => this.#rank.get(entry.searchPath) ?? Number.POSITIVE_INFINITY;
    return rank(a) - rank(b) || (a.file < b.file ? -1 : 1);
  }
}
