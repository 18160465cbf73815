import { afterEach, expect, test } from 'vitest';
import { GreenroomError } from '../../src/errors.ts';
import { ERROR, entryOf, type Place, PluginBench, settingsOf, to } from './plugin-bench.ts';

const benches: PluginBench[] = [];

afterEach(() => {
  for (const bench of benches.splice(0)) bench.stop();
});

/** A plugin that is at a place, and has told nothing since; it is stopped after the test. */
export async function pluginAt(place: Place): Promise<PluginBench> {
  const bench = new PluginBench();
  benches.push(bench);
  await to(bench, place);
  expect(bench.at).toBe(place);
  bench.told = [];
  return bench;
}

/** From a state, what happens, and where it leads; then what the others were told, and what became of the callers. */
export interface Row {
  readonly it: string;
  readonly from: Place;
  readonly when: (bench: PluginBench) => unknown;
  readonly to: string;
  readonly told?: readonly string[];
  readonly callers?: readonly string[];
}

/** One test for each row. */
export function testRows(rows: readonly Row[]): void {
  test.each(rows)('$it', async ({ from, when, to: place, told, callers }) => {
    const bench = await pluginAt(from);
    await when(bench);
    expect(bench.at).toBe(place);
    if (told !== undefined) expect(bench.told).toEqual(told);
    if (callers !== undefined) expect(bench.callers.map(({ fate }) => fate)).toEqual(callers);
  });
}

/** Someone loads the plugin. */
export const load = (b: PluginBench): void => b.send({ type: 'LOAD' });
/** Someone unloads the plugin. */
export const unload = (b: PluginBench): void => b.send({ type: 'UNLOAD', error: ERROR });
/** The manifest of the plugin is gone. */
export const remove = (b: PluginBench): void => b.send({ type: 'REMOVE', error: ERROR });
/** A plugin has too little memory for its start. */
export const SHORT = new GreenroomError('E_REMOTE', 'No memory.', {
  remote: { type: 'MemoryError', message: 'No memory.', category: 'resource', retryable: false },
});
/** The plugin is released after a second without a call, from its next idle time on. */
export const limitIdle = async (b: PluginBench): Promise<void> => {
  const entry = entryOf({ resources: { idle_release_ms: 1_000 } });
  b.send({ type: 'MANIFEST.CHANGED', entry, settings: settingsOf(entry), effect: 'none' });
  b.call();
  await b.answer();
};
/** Someone releases the plugin. */
export const release = (b: PluginBench): void => b.send({ type: 'RELEASE' });
/** The scheduler asks the plugin to give its memory to another. */
export const giveWay = (b: PluginBench): void => b.send({ type: 'YIELD' });
/** Someone disables the plugin. */
export const disable = (b: PluginBench): void => b.send({ type: 'DISABLE', error: ERROR });
/** Someone reloads the plugin. */
export const replace = (b: PluginBench): void => b.send({ type: 'REPLACE' });
