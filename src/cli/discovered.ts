import { type Discovered, discoveredBy } from '../manifest/listing.ts';
import { createManifestSource } from '../manifest/source.ts';
import { instanceIssues } from '../settings/instance-limits.ts';
import { type ResolvedSettings, resolveSettings } from '../settings/resolve.ts';
import type { SupervisorSettings } from '../settings/schema.ts';
import { systemClock } from '../time/clock.ts';

/** Reads the search paths and configurations of these settings, or others, without starting anything. */
export async function discoverIn(
  settings: ResolvedSettings,
  places: { readonly searchPaths: readonly string[]; readonly mcpConfigs: readonly string[] } = settings,
): Promise<Discovered> {
  const source = createManifestSource({
    searchPaths: places.searchPaths,
    namedPaths: settings.namedPaths.filter((path) => places.searchPaths.includes(path)),
    mcpConfigs: { files: places.mcpConfigs, dataDir: settings.dataDir, userDataDir: settings.userDataDir },
    watch: false,
    pollMs: 0,
    clock: systemClock,
    check: (manifest) => instanceIssues(manifest, settings),
    onChanges: () => {},
    onProblems: () => {},
  });
  await source.discover();
  return discoveredBy(source);
}

/** Reads the search paths that a supervisor with these settings would have. Throws `E_OPTIONS`. */
export async function discover(given: SupervisorSettings) {
  const settings = resolveSettings(given);
  return { settings, ...(await discoverIn(settings)) };
}
