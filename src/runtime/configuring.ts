import { initializeWorker } from '../actors/initialize.ts';
import type { Residency } from '../calls/lease-request.ts';
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
  await inTurn(record, async () => {
    if (record.serving) return configureInstances(record, config);
    await checkedConfig(record, config);
    record.send({ type: 'CONFIGURED', config });
  });
}

/** Gives the plugin one config after the other: two at once would come to its instances in different orders. */
export async function inTurn(record: PluginRecord, give: () => Promise<void>): Promise<void> {
  const giving = record.configuring === undefined ? give() : record.configuring.then(give);
  const turn = giving
    .catch(() => {})
    .then(() => {
      if (record.configuring === turn) record.configuring = undefined;
    });
  record.configuring = turn;
  await giving;
}

/**
 * Gives every worker a config, {@link inTurn}: one first, and where that refuses it, which this rejects with, none of them. One of the
 * others that does not take it then is replaced, as are those that are being started.
 */
export async function configureInstances(record: PluginRecord, config: unknown): Promise<void> {
  const { gate } = record;
  const give = (only?: Residency): Promise<number> =>
    withLease(
      gate,
      async (channel, signal, generation) => {
        await initializeWorker(channel, record.entry, config, signal);
        return generation;
      },
      only,
    );
  const first = await give();
  record.send({ type: 'CONFIGURED', config });
  const others = gate.serving.filter(({ generation }) => generation !== first);
  await Promise.all(
    others.map(async (residency) => {
      try {
        await give(residency);
      } catch {
        // One that is gone meanwhile needs no other in its place.
        record.send({ type: 'INSTANCE.UNFIT', generation: residency.generation });
      }
    }),
  );
}

/** A given config, checked and completed by the manifest's schema; the worker's own schema is asked when it starts. */
export async function checkedConfig(record: PluginRecord, config: unknown): Promise<unknown> {
  const schema = record.entry.manifest.config_schema;
  return schema === undefined ? config : resolveConfig(schema, config, record.plugin);
}
