import { describe, expect, it } from 'vitest';
import { instanceLanes } from '../../../src/inspector/page/lanes/instance-lanes.ts';
import { indexAt, topsOf } from '../../../src/inspector/page/lanes/lane-places.ts';
import { actorAt, spotAt } from '../../../src/inspector/page/lanes/spot.ts';
import { instancesOf } from '../../../src/inspector/page/panes/instances.tsx';
import { countText } from '../../../src/inspector/page/store/format.ts';
import { History } from '../../../src/inspector/page/store/history.ts';
import { type Lane, NO_INSTANCE } from '../../../src/inspector/page/store/model.ts';
import { Rows } from '../../../src/inspector/page/store/rows.ts';
import { readSession } from '../../../src/inspector/page/store/session-file.ts';
import type { InspectorRecord, PluginState, Sync } from '../../../src/inspector/wire.ts';
import { CHROMIUM, openPage, useBrowser } from './browser.ts';
import { openSession } from './session.ts';

const ID = 'plugin:pool';
const EVERYTHING = {
  ...{ query: '', actor: undefined, transitionsOnly: false, errorsOnly: false, showsInternal: true },
  ...{ hiddenTypes: new Set<string>(), type: undefined, range: undefined },
};

/** A plugin `pool` with one worker at first, at 1000. */
function now(seq: number, workers: readonly number[], instances?: Sync['plugins'][number]['instances']): Sync {
  const chart = { id: 'none', root: {} as never };
  const plugin = {
    name: 'pool',
    state: 'ready',
    phase: 'ready',
    since: 900,
    instances,
  } as unknown as Sync['plugins'][number];
  const worker = (generation: number) => ({
    ...{ id: `worker:pool#${generation}`, machine: 'worker' as const, name: 'pool', active: ['up'], context: {} },
  });
  return {
    ...{ seq, at: 1_000 + seq, control: false, supervisor: { state: 'running' } as Sync['supervisor'] },
    machines: { supervisor: chart, scheduler: chart, plugin: chart, worker: chart },
    plugins: [plugin],
    actors: [
      { id: ID, machine: 'plugin', name: 'pool', active: ['alive.lifecycle.ready'], context: contextOf(workers) },
      ...workers.map(worker),
    ],
    records: [],
  };
}

const contextOf = (workers: readonly number[]) => ({ workers: workers.map((generation) => ({ generation })) });

/** The pool grows by #2 and #3, loses #2, gets #4 in its place, and ends #3 and #4. */
function grown(): InspectorRecord[] {
  let seq = 0;
  const records: InspectorRecord[] = [];
  const head = (): { seq: number; at: number; actor: string } => ({ seq: (seq += 1), at: 1_000 + seq * 10, actor: ID });
  const to = (generation: number, from: PluginState, to: string): void =>
    void records.push({ ...head(), kind: 'instance', generation, from, to });
  let workers = [1];
  const hold = (next: readonly number[]): void => {
    const context = { workers: { before: contextOf(workers).workers, after: contextOf(next).workers } };
    records.push({ ...head(), kind: 'context', context });
    workers = [...next];
  };
  hold([1, 2, 3]);
  for (const generation of [2, 3]) {
    to(generation, 'discovered', 'spawning.launching');
    to(generation, 'spawning', 'ready');
    to(generation, 'ready', 'busy.serving');
  }
  to(2, 'busy', 'crashed.deciding');
  records.push({
    ...head(),
    ...{ kind: 'crash', generation: 2, error: { code: 'E_CRASHED', message: 'It died.' }, output: '', restarts: 0 },
  });
  to(2, 'crashed', 'discovered.idle');
  hold([1, 3, 4]);
  to(4, 'discovered', 'spawning.launching');
  to(4, 'spawning', 'ready');
  for (const generation of [3, 4]) to(generation, 'ready', 'discovered.stopping');
  for (const generation of [3, 4]) to(generation, 'discovered', 'discovered.idle');
  hold([1]);
  return records;
}

const ONE = [{ generation: 1, state: 'ready', phase: 'ready', since: 900, inFlight: 0, pid: 7 }] as const;

const shown = (history: History, seq: number): string[] => {
  const moment = history.at(seq);
  return instancesOf(moment, 'pool', moment.actors.get(ID)?.context ?? {}).map(
    ({ id, instance }) => `${id.slice(id.indexOf('#'))} ${instance?.state}`,
  );
};

describe('the instances of a plugin', () => {
  const records = grown();
  // Walked back from the end, and walked on from the start.
  const histories = [new History(now(records.length, [1], ONE), records), new History(now(0, [1], ONE), records)];

  it.each(histories)('are known at every instant, walked back from the present as well', (history) => {
    expect(shown(history, 0)).toEqual(['#1 ready']);
    expect(shown(history, 7)).toEqual(['#1 ready', '#2 busy', '#3 busy']);
    expect(shown(history, 8)).toEqual(['#1 ready', '#2 crashed', '#3 busy']);
    expect(shown(history, 13)).toEqual(['#1 ready', '#3 busy', '#4 ready']);
    expect(shown(history, 15)).toEqual(['#1 ready', '#3 discovered', '#4 discovered']);
    expect(shown(history, records.length)).toEqual(['#1 ready']);
  });

  it.each(histories)('are as many rows as there were at once, in which they follow one another', (history) => {
    const rows = instanceLanes(history.instancesOf(ID));
    const told = rows.map(({ stays }) => stays.map(({ generation, state }) => `${generation ?? ''} ${state}`));
    expect(told).toEqual([
      ['1 ready'],
      [
        ...['2 spawning', '2 ready', '2 busy', '2 crashed', ` ${NO_INSTANCE}`],
        ...['4 spawning', '4 ready', '4 discovered', ` ${NO_INSTANCE}`],
      ],
      ['3 spawning', '3 ready', '3 busy', '3 discovered', ` ${NO_INSTANCE}`],
    ]);
    expect(rows.map(({ row }) => row)).toEqual([1, 2, 3]);
    expect(rows.map(({ marks }) => marks.map(({ kind, seq }) => `${kind} ${seq}`))).toEqual([[], ['crash 9'], []]);
    expect(history.laneOf(ID).marks).toMatchObject([{ kind: 'crash', seq: 9 }]);
  });

  it('are pointed at by the worker that is there', () => {
    const [, row] = instanceLanes((histories[0] as History).instancesOf(ID)) as [Lane, Lane, Lane];
    const at = (seq: number): number => 1_000 + seq * 10;
    expect([actorAt(row, at(3)), actorAt(row, at(10)), actorAt(row, at(13))]).toEqual([
      'worker:pool#2',
      ID,
      'worker:pool#4',
    ]);
    expect(spotAt(row, undefined, at(4), 9_999)).toMatchObject({ name: 'pool #2', stay: { state: 'busy' } });
    expect(spotAt(row, undefined, at(10), 9_999)).toBeUndefined();
  });

  it('have no rows where there never were several, nor in a session of an earlier version', () => {
    expect(instanceLanes(new History(now(0, [1], ONE), []).instancesOf(ID))).toEqual([]);
    const history = readSession(JSON.stringify({ format: 'greenroom-session', version: 1, ...now(0, [1, 2]) }));
    expect(instanceLanes(history.instancesOf(ID))).toEqual([]);
    expect(shown(history, 0)).toEqual([]);
  });

  it('are events, all but those of calls', () => {
    const rows = new Rows().update(histories[0] as History, EVERYTHING).shown;
    expect(rows.filter(({ type }) => type === 'instance').map(({ note }) => note)).toEqual([
      '#2: discovered → spawning.launching',
      '#2: spawning → ready',
      '#3: discovered → spawning.launching',
      '#3: spawning → ready',
      '#2: busy → crashed.deciding',
      '#2: crashed → discovered.idle',
      '#4: discovered → spawning.launching',
      '#4: spawning → ready',
      '#3: ready → discovered.stopping',
      '#4: ready → discovered.stopping',
      '#3: discovered → discovered.idle',
      '#4: discovered → discovered.idle',
    ]);
    expect(rows.find(({ isError }) => isError)?.note).toBe('#2: busy → crashed.deciding');
  });
});

it('lanes of instances are lower, and are found by their height', () => {
  const lane = (row?: number): Lane => ({
    id: ID,
    name: 'pool',
    row,
    stays: [],
    memory: [],
    marks: [],
    budgetMb: undefined,
  });
  const tops = topsOf([lane(), lane(1), lane(2), lane()]);
  expect(tops).toEqual([0, 36, 55, 74, 110]);
  expect([-1, 0, 35, 36, 73, 74, 109, 110].map((y) => indexAt(tops, y))).toEqual([-1, 0, 0, 1, 2, 3, 3, 4]);
});

describe.runIf(CHROMIUM !== undefined)('the page', () => {
  useBrowser();

  it('lists the instances of a plugin and gives each a row, and one with one worker looks as ever', async () => {
    const { bench, inspector } = await openSession();
    bench.write('pool', { instances: 3 });
    await bench.supervisor.discover();
    await Promise.all([bench.supervisor.load('pool'), bench.supervisor.load('bench')]);
    const page = await openPage(`${inspector.url}&actor=plugin%3Apool`);
    const names = page.locator('.lanes-names button');
    await page.locator('.lanes-row button').nth(2).waitFor();
    expect(await names.evaluateAll((all) => all.map((each) => each.textContent))).toEqual([
      ...['bench', 'pool', '#1', '#2', '#3'],
    ]);
    await page.getByRole('tab', { name: 'Process' }).click();
    const rows = page.locator('.instances tbody tr');
    await expect.poll(() => rows.count()).toBe(3);
    const pids = bench.supervisor
      .plugin('pool')
      .snapshot()
      .instances.map(({ pid }) => String(pid));
    expect(await rows.locator('td:nth-child(4)').allTextContents()).toEqual(pids);
    expect(await page.locator('[data-actor="plugin:pool"]').textContent()).toContain('×3');
    await rows.nth(1).getByRole('button', { name: '#2' }).click();
    await page.locator('.facts [data-key="inFlight"]').waitFor();
    await page.locator('[data-actor="plugin:bench"]').click();
    await page.getByRole('tab', { name: 'Process' }).click();
    await page.locator('.facts', { hasText: 'number 1, never restarted' }).waitFor();
    expect(await rows.count()).toBe(0);
  });
});

it('counts one worker as one', () => {
  expect([0, 1, 2].map((count) => countText(count, 'worker'))).toEqual(['0 workers', '1 worker', '2 workers']);
});
