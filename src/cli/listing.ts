import type { Client } from '../client/client.ts';
import type { Listing } from '../manifest/listing.ts';
import type { SupervisorSettings } from '../settings/schema.ts';

/** What there is to list, and where logs are. */
export interface FoundListing {
  readonly listing: Listing;
  readonly dataDir: string;
}

/** What the search paths hold now: of the daemon's, if there is one, else of those of the settings. Starts nothing. */
export async function findListing(daemon: Client | undefined, settings: SupervisorSettings): Promise<FoundListing> {
  if (daemon !== undefined) {
    await daemon.discover();
    const [listing, { dataDir }] = await Promise.all([daemon.manifests(), daemon.status()]);
    return { listing, dataDir };
  }
  const [{ discover }, { listingOf }] = await Promise.all([
    import('./discovered.ts'),
    import('../manifest/listing.ts'),
  ]);
  const { settings: resolved, ...found } = await discover(settings);
  return { listing: listingOf(found, resolved.searchPaths), dataDir: resolved.dataDir };
}
