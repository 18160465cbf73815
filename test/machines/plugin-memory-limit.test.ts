import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { entryOf, OVERSIZED, type PluginBench, settingsOf } from './plugin-bench.ts';
import { load, pluginAt, release, replace, unload } from './plugin-rows.ts';

describe('a worker over its memory limit', () => {
  /** The worker that serves is over its limit, and its replacement takes its place after the backoff. */
  const outgrown = (bench: PluginBench, withinMs = 0): void => {
    const { current } = bench.context;
    bench.oversized(current, withinMs);
    bench.clock.pass(bench.context.backoffMs);
    bench.granted();
    bench.ready();
    bench.gone(current);
  };

  /** The sixth worker serves, and the five before it were over the limit. */
  const lastOf = async (place: 'ready.ready' | 'busy.serving'): Promise<PluginBench> => {
    const bench = await pluginAt(place);
    if (place === 'busy.serving') await bench.answer();
    for (let worker = 1; worker <= 5; worker += 1) outgrown(bench);
    if (place === 'busy.serving') bench.call();
    expect([bench.at, bench.context.current]).toEqual([place, 6]);
    bench.told = [];
    return bench;
  };

  test('is replaced after a backoff, serves until then, and is asked about in vain meanwhile', async () => {
    const bench = await pluginAt('busy.serving');
    bench.oversized();
    bench.oversized();
    expect([bench.replacement, bench.at, bench.told]).toEqual(['backoff', 'busy.serving', []]);
    bench.clock.pass(99);
    expect(bench.replacement).toBe('backoff');
    bench.clock.pass(1);
    expect([bench.replacement, bench.told]).toEqual(['asking', ['RESERVE_EXTRA 2']]);
    expect([bench.context.lastError, bench.context.oversized]).toEqual([OVERSIZED, { generation: 1, replaced: 1 }]);
  });

  test('is given up after five in a row, with what it used, what it may and what to do', async () => {
    const bench = await lastOf('ready.ready');
    bench.oversized();
    expect([bench.at, bench.told]).toEqual(['crashed.failed', ['worker 6 STOP']]);
    expect(bench.context.lastError).toMatchObject({
      code: 'E_MEMORY',
      message:
        'It uses 200 MiB, more than the 100 that max_rss_mb allows. So did the 5 workers before it, soon after becoming ready. "p" was given up. Raise max_rss_mb or make the plugin use less memory, then call load("p").',
      details: { memoryRssMb: 200, maxRssMb: 100, replaced: 5 },
      cause: OVERSIZED,
    });
    expect(bench.call().fate).toBe('refused E_MEMORY');
    bench.gone(6);
    expect([bench.at, bench.told.slice(-1)]).toEqual(['crashed.failed', ['FREED 6']]);
  });

  test('that is given up finishes its calls, and takes no more', async () => {
    const bench = await lastOf('busy.serving');
    const waiting = bench.call();
    bench.oversized();
    expect([bench.at, waiting.fate, bench.call().fate]).toEqual([
      'busy.draining',
      'refused E_MEMORY',
      'refused E_MEMORY',
    ]);
    expect(bench.told).toEqual([]);
    await bench.answer();
    expect([bench.at, bench.told]).toEqual(['crashed.failed', ['worker 6 STOP']]);
    expect([bench.context.lastError?.code, bench.context.intent]).toEqual(['E_MEMORY', undefined]);
  });

  test('that is given up has its calls ended at the drain deadline', async () => {
    const bench = await lastOf('busy.serving');
    bench.oversized();
    bench.clock.pass(10_000);
    await turn();
    expect([bench.at, bench.callers.at(-1)?.fate]).toEqual(['crashed.failed', 'lost E_STOPPING']);
  });

  test('that is given up and dies in its drain is no crash', async () => {
    const bench = await lastOf('busy.serving');
    bench.oversized();
    bench.exited();
    expect([bench.at, bench.context.lastError?.code]).toEqual(['crashed.failed', 'E_MEMORY']);
    expect([bench.callers.at(-1)?.fate, bench.told]).toEqual(['lost E_CRASHED', []]);
  });

  test.each([
    ['a load', load, 'spawning.admitting'],
    ['a reload', replace, 'spawning.admitting'],
    ['an unload', unload, 'discovered.idle'],
  ])('that is given up gets another chance by %s in its drain', async (_name, ask, place) => {
    const bench = await lastOf('busy.serving');
    bench.oversized();
    ask(bench);
    expect(bench.told).toEqual(['PLUGIN.CLEARED']);
    await bench.answer();
    bench.gone(6);
    expect([bench.at, bench.context.oversized.replaced]).toEqual([place, 0]);
    expect(bench.call().fate).toBe('waiting');
  });

  test('that is given up starts a new row when it is loaded', async () => {
    const bench = await lastOf('ready.ready');
    bench.oversized();
    bench.gone(6);
    load(bench);
    bench.granted();
    bench.connected();
    bench.ready();
    bench.oversized();
    expect([bench.at, bench.replacement, bench.context.oversized.replaced]).toEqual(['ready.ready', 'backoff', 1]);
  });

  test('that grew slowly is replaced at once, and is never given up', async () => {
    const bench = await pluginAt('ready.ready');
    for (let worker = 1; worker <= 100; worker += 1) {
      outgrown(bench, 30_000);
      expect([bench.at, bench.context.current, bench.context.backoffMs]).toEqual(['ready.ready', worker + 1, 0]);
    }
  });

  test('is not given up because its replacement does not start', async () => {
    const bench = await pluginAt('ready.ready');
    for (let generation = 2; generation <= 20; generation += 1) {
      bench.oversized(1);
      bench.clock.pass(100);
      bench.granted(generation);
      bench.failed(generation);
      bench.gone(generation);
    }
    expect([bench.at, bench.context.current, bench.context.oversized.replaced]).toEqual(['ready.ready', 1, 1]);
  });

  test('starts a new row after it has rested, or under another limit', async () => {
    const bench = await lastOf('ready.ready');
    release(bench);
    await bench.settle(undefined);
    bench.exited();
    bench.gone();
    expect([bench.at, bench.context.oversized.replaced]).toEqual(['released.cold', 0]);
    const other = await lastOf('ready.ready');
    const entry = entryOf({ max_rss_mb: 300 });
    other.send({ type: 'MANIFEST.CHANGED', entry, settings: settingsOf(entry), effect: 'replace' });
    expect([other.replacement, other.context.oversized.replaced]).toEqual(['asking', 0]);
  });

  test('that leaves during its backoff is not replaced', async () => {
    const bench = await pluginAt('ready.ready');
    bench.oversized();
    release(bench);
    expect([bench.at, bench.replacement]).toEqual(['released.releasing', 'none']);
    bench.clock.pass(100);
    expect(bench.told.filter((what) => what.startsWith('RESERVE_EXTRA'))).toEqual([]);
  });
});
