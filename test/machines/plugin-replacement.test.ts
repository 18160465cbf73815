import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { KEPT } from './plugin-bench.ts';
import { giveWay, pluginAt, replace } from './plugin-rows.ts';

describe('a replacement', () => {
  test('starts beside the worker that serves, takes its calls and ends it', async () => {
    const bench = await pluginAt('busy.serving');
    replace(bench);
    expect([bench.replacement, bench.told]).toEqual(['asking', ['RESERVE_EXTRA 2']]);
    bench.granted();
    expect([bench.replacement, bench.at]).toEqual(['starting', 'busy.serving']);
    const next = bench.call();
    bench.ready();
    expect([bench.replacement, next.at?.generation, bench.replacements]).toEqual(['swapping', 2, ['done']]);
    await bench.answer(1);
    expect(bench.told.slice(-1)).toEqual(['worker 1 STOP']);
    bench.gone(1);
    expect([bench.replacement, bench.at, bench.context.current]).toEqual(['none', 'busy.serving', 2]);
  });

  test('begins the stable period of its worker, whatever was left of that of the one before', async () => {
    const bench = await pluginAt('ready.ready');
    bench.clock.pass(20_000);
    replace(bench);
    bench.granted();
    bench.ready();
    bench.gone(1);
    bench.clock.pass(29_999);
    expect(bench.told).not.toContain('PLUGIN.STABLE');
    bench.clock.pass(1);
    expect(bench.told).toContain('PLUGIN.STABLE');
  });

  test('that is refused room drains first, and the next generation follows', async () => {
    const bench = await pluginAt('busy.serving');
    replace(bench);
    bench.refused();
    expect([bench.replacement, bench.at]).toEqual(['none', 'busy.draining']);
    await bench.answer();
    bench.gone(1);
    expect([bench.at, bench.told.slice(-3)]).toEqual(['spawning.admitting', ['worker 1 STOP', 'FREED 1', 'ACQUIRE 3']]);
  });

  test('that fails is reported, and the old worker goes on', async () => {
    const bench = await pluginAt('busy.serving');
    replace(bench);
    bench.granted();
    bench.failed(2);
    expect([bench.replacement, bench.at, bench.replacements]).toEqual(['none', 'busy.serving', ['E_CRASHED']]);
    bench.gone(2);
    expect(bench.callers[0]?.fate).toBe('running');
  });

  test('that is asked for again while it starts waits for what it had started, so that there are never three', async () => {
    const bench = await pluginAt('busy.serving');
    replace(bench);
    bench.granted();
    replace(bench);
    expect([bench.replacement, bench.told.slice(-1)]).toEqual(['none', ['worker 2 STOP']]);
    bench.gone(2);
    expect([bench.replacement, bench.told.slice(-1)]).toEqual(['asking', ['RESERVE_EXTRA 3']]);
  });

  test('ends the leases of the old worker at the drain deadline', async () => {
    const bench = await pluginAt('busy.serving');
    replace(bench);
    bench.granted();
    bench.ready();
    bench.clock.pass(10_000);
    expect([bench.callers[0]?.fate, bench.told.slice(-1)]).toEqual(['lost E_STOPPING', ['worker 1 STOP']]);
  });

  test('whose old worker exits ends its leases at once', async () => {
    const bench = await pluginAt('busy.serving');
    replace(bench);
    bench.granted();
    bench.ready();
    bench.exited(1);
    await turn();
    expect([bench.callers[0]?.fate, bench.at, bench.gate.leases]).toEqual(['lost E_CRASHED', 'ready.ready', 0]);
  });

  test('that a drain cuts short is not forgotten: what was to be replaced does not stay warm', async () => {
    const bench = await pluginAt('busy.serving');
    replace(bench);
    bench.granted();
    giveWay(bench);
    bench.gone(2);
    await bench.answer();
    await bench.settle(KEPT);
    expect([bench.at, bench.told.slice(-1)]).toEqual(['released.releasing', ['worker 1 STOP']]);
    bench.gone(1);
    expect(bench.at).toBe('released.cold');
    bench.call();
    expect([bench.at, bench.told.slice(-1)]).toEqual(['spawning.admitting', ['ACQUIRE 3']]);
  });

  test('that a drain cuts short is asked for anew when the drain ends without the worker going', async () => {
    const bench = await pluginAt('busy.serving');
    replace(bench);
    bench.granted();
    giveWay(bench);
    bench.gone(2);
    bench.clock.pass(10_000);
    expect([bench.at, bench.replacement, bench.told.slice(-1)]).toEqual([
      'busy.serving',
      'asking',
      ['RESERVE_EXTRA 3'],
    ]);
  });

  test('that waits for a former one to be gone does not let the worker stay warm either', async () => {
    const bench = await pluginAt('busy.serving');
    replace(bench);
    bench.granted();
    replace(bench);
    giveWay(bench);
    await bench.answer();
    await bench.settle(KEPT);
    bench.gone(2);
    bench.gone(1);
    expect([bench.at, bench.replacement, bench.context.replaceAgain]).toEqual(['released.cold', 'none', false]);
  });

  test('that failed leaves its number behind: the old worker comes back warm under its own', async () => {
    const bench = await pluginAt('busy.serving');
    replace(bench);
    bench.granted();
    bench.failed(2);
    giveWay(bench);
    bench.gone(2);
    await bench.answer();
    await bench.settle(KEPT);
    bench.call();
    expect([bench.at, bench.told.slice(-2)]).toEqual(['spawning.admitting', ['RELEASED 1', 'ACQUIRE 1']]);
    bench.granted(1);
    expect(bench.at).toBe('spawning.resuming');
  });

  test('is abandoned when the worker that serves crashes', async () => {
    const bench = await pluginAt('busy.serving');
    replace(bench);
    bench.granted();
    bench.exited(1);
    expect([bench.replacement, bench.at]).toEqual(['none', 'crashed.deciding']);
    expect(bench.told).toContain('worker 2 STOP');
  });
});
