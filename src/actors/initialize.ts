import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { WorkerChannel } from '../channel/worker-channel.ts';
import { GreenroomError } from '../errors.ts';
import type { ManifestEntry } from '../manifest/read.ts';
import { resolveConfig } from '../settings/plugin-config.ts';
import { sentence } from '../text/sentence.ts';

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
 * gives it to the plugin. Resolves to the complete config; rejects with `E_CONFIG`, also where there is a config and the
 * worker takes none, or the plugin's own error.
 */
export async function initializeWorker(
  channel: WorkerChannel,
  entry: ManifestEntry,
  given: unknown,
  signal: AbortSignal,
): Promise<unknown> {
  const { name, worker, config_schema: ownSchema } = entry.manifest;
  const schema = ownSchema ?? (await channel.config?.schema(signal)) ?? undefined;
  const config = await resolveConfig(schema, given, name);
  if (channel.config !== undefined) await accepted(name, channel.config.initialize(config, signal));
  else if (!isDeepStrictEqual(config, {})) {
    throw new GreenroomError(
      'E_CONFIG',
      `The config of "${name}" cannot be given to its worker: a worker of kind "${worker}" takes none. Load "${name}" without a config, and leave config_schema out of ${entry.file}.`,
      { plugin: name },
    );
  }
  return config;
}

/** The `type` by which a worker says that a config does not fit its own schema, which may say more than JSON Schema can. */
const CONFIG_ERROR = 'ConfigError';

/** Rejects with `E_CONFIG` where the worker refuses a config, in contrast to a plugin that fails with it. */
async function accepted(plugin: string, initialized: Promise<void>): Promise<void> {
  try {
    await initialized;
  } catch (error) {
    if (!(error instanceof GreenroomError) || error.code !== 'E_REMOTE' || error.remote.type !== CONFIG_ERROR)
      throw error;
    const { remote } = error;
    const problems = problemsOf(remote.details) ?? [remote.message];
    const message = sentence(`The config of "${plugin}" does not fit its schema: ${problems.join('; ')}`);
    throw new GreenroomError('E_CONFIG', message, { plugin, cause: error, remote, details: { problems } });
  }
}

/** What the worker says of each place, `{ path, message }`; undefined where it says nothing of that form. */
function problemsOf(details: unknown): readonly string[] | undefined {
  const parsed = z
    .object({ issues: z.array(z.object({ path: z.string(), message: z.string() })).min(1) })
    .safeParse(details);
  return parsed.data?.issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
}
