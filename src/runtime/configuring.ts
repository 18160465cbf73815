import { initializeWorker } from '../actors/initialize.ts';
import { withLease } from '../calls/lease-task.ts';
import { GreenroomError } from '../errors.ts';
import { withIntegers } from '../json/read-json.ts';
import { copyConfig, resolveConfig } from '../settings/plugin-config.ts';
import type { PluginLookup } from './plugin-lookup.ts';
import type { PluginRecord } from './plugin-record.ts';

/** A plugin's config: what a running worker says, else what it was given or would start with. */
export async function configOf(plugins: PluginLookup, name: string): Promise<unknown> {
  const record = plugins.find(name);
  const own = async (): Promise<unknown> => {
    const { config, entry } = record.context;
    return structuredClone(await resolveConfig(entry.manifest.config_schema, config, name));
  };
  const config = record.serving
    ? await withLease(record.gate, (channel, signal) => channel.config?.get(signal) ?? own())
    : await own();
  return withIntegers(config, record.integers);
}

/** The JSON Schema of a plugin's config: the manifest's, else a running worker's, else null. */
export async function configSchemaOf(plugins: PluginLookup, name: string): Promise<unknown> {
  const record = plugins.find(name);
  const own = record.entry.manifest.config_schema;
  if (own !== undefined) return structuredClone(own);
  if (!record.serving) return null;
  const schema = await withLease(
    record.gate,
    async (channel, signal) => (await channel.config?.schema(signal)) ?? null,
  );
  return withIntegers(schema, record.integers);
}

/** Gives a loaded plugin another config, without a restart. */
export async function updateConfig(plugins: PluginLookup, name: string, given: unknown): Promise<void> {
  const record = plugins.find(name);
  const config = copyConfig(given, name);
  if (!record.loaded) {
    throw new GreenroomError(
      'E_NOT_LOADED',
      `"${name}" is not loaded. Load it with the config: load("${name}", { config }).`,
      { plugin: name },
    );
  }
  if (record.serving)
    await withLease(record.gate, (channel, signal) => initializeWorker(channel, record.entry, config, signal));
  else await checkedConfig(record, config);
  record.send({ type: 'CONFIGURED', config });
}

/** A given config, checked and completed by the manifest's schema; the worker's own schema is asked when it starts. */
export async function checkedConfig(record: PluginRecord, config: unknown): Promise<unknown> {
  const schema = record.entry.manifest.config_schema;
  return schema === undefined ? config : resolveConfig(schema, config, record.plugin);
}
