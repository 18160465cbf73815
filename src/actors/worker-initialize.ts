import type { ManifestEntry } from '../manifest/read.ts';
import { resolveConfig } from '../plugin-config.ts';
import type { WorkerChannel } from './worker-channel.ts';

/**
 * Completes a config with the defaults of the plugin's schema (the manifest's, else the worker's own), checks it, and
 * gives it to the plugin. Resolves to the complete config; rejects with `E_CONFIG` or the plugin's own error.
 */
export async function initializeWorker(
  channel: WorkerChannel,
  entry: ManifestEntry,
  given: unknown,
  signal: AbortSignal,
): Promise<unknown> {
  const schema = entry.manifest.config_schema ?? (await channel.configSchema(signal)) ?? undefined;
  const config = await resolveConfig(schema, given, entry.manifest.name);
  await channel.initialize(config, signal);
  return config;
}
