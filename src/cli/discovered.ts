import type { ShadowedManifest } from '../manifest/catalogue.ts';
import type { ManifestProblem } from '../manifest/manifest-problem.ts';
import { checkPaths, type ManifestEntry } from '../manifest/read.ts';
import { createManifestSource } from '../manifest/source.ts';
import { instanceIssues } from '../settings/instance-limits.ts';
import { type ResolvedSettings, resolveSettings } from '../settings/resolve.ts';
import type { SupervisorSettings } from '../settings/schema.ts';
import { systemClock } from '../time/clock.ts';

/** What the search paths hold. */
export interface Discovered {
  /** The manifests in force, by name. */
  readonly entries: readonly ManifestEntry[];
  readonly shadowed: readonly ShadowedManifest[];
  /** What is wrong with manifests, files and programs that they name included. */
  readonly problems: readonly ManifestProblem[];
}

/** Reads the search paths of these settings, or others, without starting anything. */
export async function discoverIn(
  settings: ResolvedSettings,
  searchPaths: readonly string[] = settings.searchPaths,
): Promise<Discovered> {
  const source = createManifestSource({
    searchPaths,
    watch: false,
    pollMs: 0,
    clock: systemClock,
    check: (manifest) => instanceIssues(manifest, settings),
    onChanges: () => {},
    onProblems: () => {},
  });
  await source.discover();
  const entries = source.entries().toSorted((a, b) => (a.manifest.name < b.manifest.name ? -1 : 1));
  return {
    entries,
    shadowed: source.shadowed(),
    problems: [...source.problems(), ...entries.flatMap(checkPaths)],
  };
}

/** Reads the search paths that a supervisor with these settings would have. Throws `E_OPTIONS`. */
export async function discover(given: SupervisorSettings) {
  const settings = resolveSettings(given);
  return { settings, ...(await discoverIn(settings)) };
}
