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

type KnownFile = Pick<ManifestReading, 'entry' | 'problems'>;

/**
 * Knows every manifest file and which of them is in force under each name: the one of the earliest search path, and
 * within a search path the first by file name. A file that has become invalid keeps its last valid manifest in force.
 * No I/O: it is told what was read.
 */
export class Catalogue {
  readonly #rank: ReadonlyMap<string, number>;
  readonly #files = new Map<string, KnownFile>();
  readonly #byName = new Map<string, ManifestEntry[]>();
  readonly #inForce = new Map<string, ManifestEntry>();
  readonly #touched = new Set<string>();

  constructor(searchPaths: readonly string[]) {
    this.#rank = new Map(searchPaths.map((path, index) => [path, index]));
  }

  /** The files that are known. */
  get files(): Iterable<string> {
    return this.#files.keys();
  }

  /** Notes what a file holds now; null where it is gone. */
  note(file: string, reading: ManifestReading | null): void {
    const former = this.#files.get(file)?.entry;
    if (reading === null) {
      if (this.#files.delete(file) && former !== undefined) this.#replace(former, undefined);
      return;
    }
    const entry = reading.entry ?? former;
    this.#files.set(file, entry === reading.entry ? reading : { entry, problems: reading.problems });
    if (entry !== former) this.#replace(former, entry);
  }

  /** What has changed in force since it was asked last. */
  takeChanges(): ManifestChange[] {
    const changes: ManifestChange[] = [];
    for (const name of this.#touched) {
      const entry = this.#byName.get(name)?.[0];
      const previous = this.#inForce.get(name);
      if (entry === undefined) {
        this.#inForce.delete(name);
        if (previous !== undefined) changes.push({ type: 'removed', name, previous });
        continue;
      }
      this.#inForce.set(name, entry);
      if (previous === undefined) {
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
    return [...this.#inForce.values()];
  }

  /** The manifests that are not in force because of another one. */
  shadowed(): readonly ShadowedManifest[] {
    const shadowed: ShadowedManifest[] = [];
    for (const [by, ...others] of this.#byName.values()) {
      if (by !== undefined) for (const entry of others) shadowed.push({ entry, by });
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

  #replace(former: ManifestEntry | undefined, entry: ManifestEntry | undefined): void {
    if (former !== undefined) {
      const { name } = former.manifest;
      const left = this.#byName.get(name)?.filter((other) => other !== former) ?? [];
      if (left.length === 0) this.#byName.delete(name);
      else this.#byName.set(name, left);
      this.#touched.add(name);
    }
    if (entry !== undefined) {
      const { name } = entry.manifest;
      const all = this.#byName.get(name);
      if (all === undefined) this.#byName.set(name, [entry]);
      else
        this.#byName.set(
          name,
          [...all, entry].toSorted((a, b) => this.#order(a, b)),
        );
      this.#touched.add(name);
    }
  }

  #order(a: ManifestEntry, b: ManifestEntry): number {
    const rank = (entry: ManifestEntry): number => this.#rank.get(entry.searchPath) ?? Number.POSITIVE_INFINITY;
    return rank(a) - rank(b) || (a.file < b.file ? -1 : 1);
  }
}
