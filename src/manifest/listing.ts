import { instanceBounds } from '../settings/instances.ts';
import type { ShadowedManifest } from './catalogue.ts';
import type { ManifestProblem } from './manifest-problem.ts';
import { checkPaths, type ManifestEntry } from './read.ts';
import type { ManifestSource } from './source.ts';

/** A manifest as lists show it. */
export interface ListedManifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly category: string;
  readonly worker: string;
  /** The fewest and the most workers that it wants on this machine. */
  readonly instances: { readonly min: number; readonly max: number };
  /** The path of its file. */
  readonly manifest: string;
  readonly searchPath: string;
}

/** What the search paths hold, as plain data. */
export interface Listing {
  /** The manifests in force, by name; `shadows` are the files of those that are not, because of this one. */
  readonly plugins: readonly (ListedManifest & { readonly shadows: readonly string[] })[];
  /** `shadowedBy` is the file of the manifest in force. */
  readonly shadowed: readonly (ListedManifest & { readonly shadowedBy: string })[];
  /** What is wrong with manifests, files and programs that they name included. */
  readonly problems: readonly ManifestProblem[];
  readonly searchPaths: readonly string[];
}

/** What the search paths hold, as it was read. */
export interface Discovered {
  /** The manifests in force, by name. */
  readonly entries: readonly ManifestEntry[];
  readonly shadowed: readonly ShadowedManifest[];
  /** What is wrong with manifests, files and programs that they name included. */
  readonly problems: readonly ManifestProblem[];
}

/** What a manifest source has found. */
export function discoveredBy(source: Pick<ManifestSource, 'entries' | 'shadowed' | 'problems'>): Discovered {
  const entries = source.entries().toSorted((a, b) => (a.manifest.name < b.manifest.name ? -1 : 1));
  const problems = [...source.problems(), ...entries.flatMap(checkPaths)];
  return { entries, shadowed: source.shadowed(), problems };
}

/** The same as plain data. */
export function listingOf({ entries, shadowed, problems }: Discovered, searchPaths: readonly string[]): Listing {
  return {
    plugins: entries.map((entry) => ({
      ...listed(entry),
      shadows: shadowed.filter(({ by }) => by === entry).map((hidden) => hidden.entry.file),
    })),
    shadowed: shadowed.map(({ entry, by }) => ({ ...listed(entry), shadowedBy: by.file })),
    problems,
    searchPaths,
  };
}

function listed({ manifest, file, searchPath }: ManifestEntry): ListedManifest {
  const { name, version = '', description = '', category = '', worker } = manifest;
  return {
    name,
    version,
    description,
    category,
    worker,
    instances: instanceBounds(manifest.instances),
    manifest: file,
    searchPath,
  };
}
