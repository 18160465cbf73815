import { setTimeout as delay } from 'node:timers/promises';
import { GreenroomError } from '../errors.ts';
import type { ManifestEntry } from '../manifest/read.ts';
import { resolveConfig } from '../settings/plugin-config.ts';
import type { WorkerChannel } from '../channel/worker-channel.ts';

/** How long the exit of a worker whose connection broke is waited for, in milliseconds. */
const EXIT_GRACE_MS = 250;

/**
 * {@link initializeWorker} for a worker that is being started. A connection that breaks is most often the worker's end,
 * of which its exit says more: it is given time to come, and ends the signal. Without an exit it rejects with `E_START`.
 */
export async function initializeStartedWorker(
  ...[channel, entry, given, signal]: Parameters<typeof initializeWorker>
): Promise<unknown> {
  try {
    return await initializeWorker(channel, entry, given, signal);
  } catch (error) {
    if (!(error instanceof GreenroomError) || error.code !== 'E_CRASHED') throw error;
    await delay(EXIT_GRACE_MS, undefined, { signal, ref: false });
    const plugin = entry.manifest.name;
    throw new GreenroomError(
      'E_START',
      `The connection to the worker of "${plugin}" broke while it was initialising.`,
      {
        plugin,
        cause: error,
      },
    );
  }
}

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
