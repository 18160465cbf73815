import { isDeepStrictEqual } from 'node:util';
import { ANY, checkOptions, SIGNAL } from '../argument-checks.ts';
import { whenOpen } from '../calls/lease-task.ts';
import { GreenroomError } from '../errors.ts';
import { copyConfig } from '../settings/plugin-config.ts';
import { checkedConfig, updateConfig } from './configuring.ts';
import type { LoadOptions, Outcome } from './load-options.ts';
import { disabledError, type PluginLookup } from './plugin-lookup.ts';

const LOAD_OPTIONS = { config: ANY, signal: SIGNAL };

/** Starts a plugin's worker, or gives the running one its config; resolves when it is ready. */
export async function loadPlugin(plugins: PluginLookup, name: string, options: LoadOptions): Promise<void> {
  const record = plugins.find(name);
  checkOptions('load()', options, LOAD_OPTIONS);
  const { signal } = options;
  const config = copyConfig(options.config, name);
  if (record.serving && config !== undefined) {
    const [present, wanted] = [record.context.config, config].map((given) => checkedConfig(record, given));
    if (!isDeepStrictEqual(await present, await wanted)) await updateConfig(plugins, name, config);
    return;
  }
  if (!record.context.enabled) throw disabledError(name);
  if (config !== undefined) await checkedConfig(record, config);
  record.send({ type: 'LOAD', config: config === undefined ? undefined : { value: config } });
  await whenOpen(
    record.gate,
    signal,
    () =>
      new GreenroomError('E_CANCELLED', `Waiting for "${name}" was cancelled.`, {
        plugin: name,
        cause: signal?.reason,
      }),
  );
}

/** Ends a plugin's worker after its calls; resolves when it is gone. */
export async function unloadPlugin(plugins: PluginLookup, name: string): Promise<void> {
  const record = plugins.find(name);
  record.send({
    type: 'UNLOAD',
    error: new GreenroomError('E_STOPPING', `"${name}" is being unloaded.`, { plugin: name }),
  });
  const last = record.context.generation;
  await record.until(() => {
    const { workers, generation } = record.context;
    const isOver = generation > last || record.atRest;
    return isOver && workers.every((worker) => worker.generation > last);
  });
}

/** Replaces a plugin's worker by a new one, or starts one where there is none; resolves when it is ready. */
export async function reloadPlugin(plugins: PluginLookup, name: string, options: LoadOptions): Promise<void> {
  const record = plugins.find(name);
  checkOptions('reload()', options, LOAD_OPTIONS);
  const config = copyConfig(options.config, name);
  if (config !== undefined) await checkedConfig(record, config);
  const { config: former, generation: last } = record.context;
  if (config !== undefined && record.serving) record.send({ type: 'CONFIGURED', config });
  const isOld = ({ generation }: { readonly generation: number }): boolean => generation <= last;
  const runsOld = (): boolean => record.gate.serving.some(isOld);
  while (record.serving && runsOld()) {
    record.replacementError = undefined;
    record.send({ type: 'REPLACE' });
    try {
      // A release or an unload may come between; then it is tried again in another way.
      await record.until(() => record.replacementError ?? (!runsOld() || !record.replacing));
    } catch (error) {
      record.send({ type: 'CONFIGURED', config: former });
      throw error;
    }
  }
  if ((record.context.current ?? Infinity) <= last) record.send({ type: 'REPLACE' });
  return loadPlugin(plugins, name, { ...options, config });
}

/** Has a plugin give up its resources; resolves when it has, and rejects with `E_TIMEOUT` where its calls go on. */
export async function releasePlugin(plugins: PluginLookup, name: string): Promise<void> {
  const record = plugins.find(name);
  if (!record.serving) return;
  record.send({ type: 'YIELD' });
  await record.until(() => {
    if (record.serving) {
      return new GreenroomError(
        'E_TIMEOUT',
        `"${name}" was not released: its calls did not finish within its drain timeout. Raise drain_timeout_ms in its manifest, or try again.`,
        { plugin: name },
      );
    }
    return record.phase !== 'draining' && record.phase !== 'releasing';
  });
}

/** Does the same to several plugins at once. Never rejects for one of them: each has its outcome. */
export async function outcomesOf(
  plugins: readonly { readonly name: string }[],
  act: (name: string) => Promise<void>,
): Promise<ReadonlyMap<string, Outcome>> {
  const outcomes = await Promise.all(
    plugins.map(async ({ name }): Promise<[string, Outcome]> => {
      try {
        await act(name);
        return [name, { ok: true }];
      } catch (error) {
        return [name, { ok: false, error: error as GreenroomError }];
      }
    }),
  );
  return new Map(outcomes);
}
