import { describe, expect, it } from 'vitest';
import { chartOf, pathsOf } from '../../../src/inspector/record/chart.ts';
import type { ChartState } from '../../../src/inspector/wire.ts';
import { pluginMachine } from '../../../src/machines/plugin.ts';
import { schedulerMachine } from '../../../src/machines/scheduler.ts';
import { supervisorMachine } from '../../../src/machines/supervisor.ts';
import { workerMachine } from '../../../src/machines/worker.ts';

const MACHINES = [pluginMachine, schedulerMachine, supervisorMachine, workerMachine] as const;

function all(state: ChartState): ChartState[] {
  return [state, ...state.states.flatMap(all)];
}

describe('the chart of a machine', () => {
  it.each(MACHINES)('is plain JSON in which every target is a state: $id', (machine) => {
    const chart = chartOf(machine);
    expect(JSON.parse(JSON.stringify(chart))).toEqual(chart);
    const states = all(chart.root);
    const ids = new Set(states.map(({ id }) => id));
    for (const { transitions, initial } of states) {
      if (initial !== undefined) expect(ids).toContain(initial);
      for (const { targets } of transitions) for (const target of targets) expect(ids).toContain(target);
    }
  });

  it('has the six states of a plugin with their phases, where transitions say they are', () => {
    const paths = all(chartOf(pluginMachine).root).map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining([
        'alive.lifecycle.discovered.idle',
        'alive.lifecycle.spawning.admitting',
        'alive.lifecycle.ready',
        'alive.lifecycle.busy.serving',
        'alive.lifecycle.released.warm',
        'alive.lifecycle.crashed.deciding',
        'alive.replacement.none',
      ]),
    );
    expect(all(chartOf(pluginMachine).root).find(({ path }) => path === 'alive')?.type).toBe('parallel');
  });

  it('has what happens at once, by time, and by what is invoked', () => {
    const plugin = all(chartOf(pluginMachine).root);
    const draining = plugin.find(({ id }) => id === 'draining');
    expect(draining?.transitions).toContainEqual({
      kind: 'always',
      event: '',
      targets: ['releasing'],
      guard: 'drainedToYield',
      actions: [],
      reenter: false,
    });
    expect(draining?.transitions.find(({ kind }) => kind === 'after')).toMatchObject({
      delay: 'drain',
      guard: 'yielding',
    });
    const releasing = plugin.find(({ id }) => id === 'releasing');
    expect(releasing?.invokes).toEqual([{ id: expect.any(String) as string, source: 'release' }]);
    expect(releasing?.transitions.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['done', 'error', 'after']));
    expect(releasing?.entry.some((action) => action.includes('xstate'))).toBe(false);
  });

  it('names guards that are put together from others', () => {
    const guards = all(chartOf(pluginMachine).root).flatMap(({ transitions }) => transitions.map(({ guard }) => guard));
    expect(guards).toContain('mayReplace');
    expect(pathsOf({ alive: { lifecycle: { busy: 'serving' }, replacement: 'none' } })).toEqual([
      'alive.lifecycle.busy.serving',
      'alive.replacement.none',
    ]);
  });
});
