import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOfCalls } from '../../../src/inspector/of-calls.ts';
import { History } from '../../../src/inspector/page/store/history.ts';
import { Rows } from '../../../src/inspector/page/store/rows.ts';
import { readSession, writeSession } from '../../../src/inspector/page/store/session-file.ts';
import type { InspectorRecord, Json, Sync } from '../../../src/inspector/wire.ts';

const PLUGINS = ['a', 'b', 'c'];
const STATES = ['discovered.idle', 'spawning.launching', 'ready', 'busy.serving', 'released', 'crashed.backoff'];

type Known = Omit<Sync, 'records'>;

/** Actors that step about at random, told of as the runtime tells: a moment, and the records after it. */
class World {
  readonly records: InspectorRecord[] = [];
  readonly #states = new Map(PLUGINS.map((name) => [name, 'discovered.idle']));
  readonly #contexts = new Map<string, Record<string, Json>>(
    PLUGINS.map((name) => [name, { generation: 0, waiting: 0 }]),
  );
  #seq = 0;

  now(): Known {
    const chart = { id: 'none', root: {} as never };
    return {
      seq: this.#seq,
      at: 1_000 + this.#seq,
      control: false,
      supervisor: { state: 'running', policy: 'permissive' } as Sync['supervisor'],
      machines: { supervisor: chart, scheduler: chart, plugin: chart, worker: chart },
      plugins: [],
      actors: PLUGINS.map((name) => ({
        id: `plugin:${name}`,
        machine: 'plugin',
        name,
        active: [`alive.lifecycle.${this.#states.get(name) ?? ''}`],
        context: { ...this.#contexts.get(name) },
      })),
    };
  }

  step([which, what, value]: Step): void {
    const name = PLUGINS[which] as string;
    const head = { seq: (this.#seq += 1), at: 1_000 + this.#seq, actor: `plugin:${name}` };
    if (what === 0) return void this.records.push({ ...head, kind: 'event', event: 'NUDGE' });
    const context = this.#contexts.get(name) as Record<string, Json>;
    const key = value % 2 === 0 ? 'waiting' : 'extra';
    const before = context[key];
    const after = value % 3 === 0 && key === 'extra' ? undefined : value;
    if (after === undefined) delete context[key];
    else context[key] = after;
    const change = { [key]: { before, after } };
    if (what === 1) return void this.records.push({ ...head, kind: 'context', context: change });
    const [from, to] = [this.#states.get(name) as string, STATES[value % STATES.length] as string];
    this.#states.set(name, to);
    const active = [`alive.lifecycle.${to}`];
    this.records.push({ ...head, kind: 'transition', from, to, active, event: 'NUDGE', context: change });
  }
}

type Step = readonly [which: number, what: number, value: number];

const steps = (maxLength: number): fc.Arbitrary<Step[]> =>
  fc.array(fc.tuple(fc.nat(2), fc.nat(2), fc.nat(11)), { minLength: 1, maxLength, size: 'max' });

/** What is shown of all actors at an instant. */
const shown = (history: History, seq: number): unknown =>
  [...history.at(seq).actors.values()]
    .map(({ id, state, phase, active, context }) => ({ id, state, phase, active, context }))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));

const FILTER = {
  query: '',
  actor: undefined,
  transitionsOnly: false,
  errorsOnly: false,
  showsInternal: true,
  hiddenTypes: new Set<string>(),
  type: undefined,
  range: undefined,
};

describe('a history', () => {
  it('has the same at each instant whether it was followed from the start or is walked back from any later moment', () => {
    fc.assert(
      fc.property(steps(600), fc.nat(), (given, cut) => {
        const world = new World();
        const live = new History(world.now(), []);
        let later = world.now();
        for (const [index, step] of given.entries()) {
          world.step(step);
          live.add(world.records.slice(-1));
          if (index === cut % given.length) later = world.now();
        }
        const reopened = readSession(writeSession(live));
        const resumed = new History(later, world.records);
        for (let seq = 0; seq <= live.seq; seq += 1) {
          const wanted = shown(live, seq);
          expect(shown(reopened, seq)).toEqual(wanted);
          expect(shown(resumed, seq)).toEqual(wanted);
        }
      }),
      { numRuns: 8 },
    );
  });

  it('has the same at each instant from which on the quick calls are remembered, those before being forgotten', () => {
    fc.assert(
      fc.property(steps(600), fc.nat(), fc.nat(), (given, cut, moment) => {
        const world = new World();
        const live = new History(world.now(), []);
        const complete = cut % given.length;
        const told = complete + (moment % (given.length - complete));
        let later = world.now();
        for (const [index, step] of given.entries()) {
          world.step(step);
          live.add(world.records.slice(-1));
          if (index === told) later = world.now();
        }
        const remembered = world.records.filter((record) => record.seq > complete || !isOfCalls(record));
        const resumed = new History({ ...later, complete }, remembered);
        const reopened = readSession(writeSession(resumed));
        for (let seq = Math.max(complete, resumed.first); seq <= live.seq; seq += 1) {
          const wanted = shown(live, seq);
          expect(shown(resumed, seq)).toEqual(wanted);
          expect(shown(reopened, seq)).toEqual(wanted);
        }
        for (const id of PLUGINS.map((name) => `plugin:${name}`)) {
          expect(resumed.laneOf(id).stays.at(-1)?.state).toEqual(live.laneOf(id).stays.at(-1)?.state);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('remembers a crash, and a call that goes on, for much longer than the quick calls after it', () => {
    const world = new World();
    const history = new History(world.now(), []);
    const crash = { seq: 1, at: 1_001, actor: 'plugin:a', kind: 'crash', error: { code: 'E_CRASHED', message: '' } };
    history.add([{ ...crash, output: '', generation: 1, restarts: 0 } as InspectorRecord]);
    const step = (seq: number, actor: string, from: string, to: string): void => {
      const record = { seq, at: 1_000 + seq, actor, kind: 'transition', from, to, active: [], event: '' };
      history.add([record as InspectorRecord]);
    };
    step(2, 'plugin:c', 'ready', 'busy.serving');
    for (let n = 3; n < 60_003; n += 1) {
      if (n % 2 === 0) step(n, 'plugin:b', 'ready', 'busy.serving');
      else step(n, 'plugin:b', 'busy.serving', 'ready');
    }
    expect(history.at(3).actors.get('plugin:c')).toMatchObject({ state: 'busy' });
    expect(history.laneOf('plugin:c').stays.at(-1)).toMatchObject({ state: 'busy', from: 1_002 });
    expect(history.recordsOf('plugin:a')).toHaveLength(1);
    expect(history.at(1).seq).toBe(1);
    expect(history.present.actors.get('plugin:a')).toMatchObject({ crashes: 1, lastCrash: { seq: 1 } });
    expect(history.complete.seq).toBeGreaterThan(40_000);
    expect(history.records.length).toBeLessThanOrEqual(12_600);
  });

  it('forgets the oldest when there is too much, and still knows each instant that is left', () => {
    const world = new World();
    const history = new History(world.now(), []);
    const early = new Map<number, unknown>();
    for (let n = 0; n < 60_000; n += 1) {
      world.step([n % 3, n % 2 === 0 ? 2 : 0, n % 12]);
      history.add(world.records.slice(-1));
      if (n % 5_000 === 0) early.set(history.seq, shown(history, history.seq));
    }
    expect(history.records.length).toBeLessThanOrEqual(50_000);
    expect(history.first).toBeGreaterThan(0);
    let compared = 0;
    for (const [seq, wanted] of early) {
      if (seq <= history.complete.seq) continue;
      expect(shown(history, seq)).toEqual(wanted);
      compared += 1;
    }
    expect(compared).toBeGreaterThan(3);
    expect(history.complete.seq).toBeGreaterThan(history.first);
  });

  it('finds the instant of a time', () => {
    const world = new World();
    const history = new History(world.now(), []);
    for (let n = 0; n < 10; n += 1) world.step([0, 0, 0]);
    history.add(world.records);
    expect(history.instantAt(1_004)).toBe(4);
    expect(history.instantAt(0)).toBe(0);
    expect(history.instantAt(9_999)).toBe(10);
  });
});

describe('the rows of the events', () => {
  it('put an event and the transition it led to on one line', () => {
    const world = new World();
    const history = new History(world.now(), []);
    world.step([0, 0, 1]);
    world.step([1, 0, 1]);
    world.step([0, 2, 2]);
    history.add(world.records);
    const { shown: rows } = new Rows().update(history, FILTER);
    expect(rows.map(({ seq, transition }) => [seq, transition?.seq])).toEqual([
      [1, 3],
      [2, undefined],
    ]);
  });

  it('are the same whether they were taken one by one or at once, under every filter', () => {
    fc.assert(
      fc.property(
        steps(120),
        fc.constantFrom('', 'nudge', 'ready', 'plugin:b', 'nothing'),
        fc.boolean(),
        fc.boolean(),
        (given, query, transitionsOnly, errorsOnly) => {
          const world = new World();
          const history = new History(world.now(), []);
          const filter = { ...FILTER, query, transitionsOnly, errorsOnly };
          const rows = new Rows();
          for (const step of given) world.step(step);
          // As the runtime does, what belongs together comes together.
          for (let from = 0; from < world.records.length; from += 40) {
            history.add(world.records.slice(from, from + 40));
            rows.update(history, filter);
          }
          const again = new Rows().update(history, { ...FILTER });
          const wanted = again.shown.filter(
            (row) =>
              row.text.includes(query) &&
              (!transitionsOnly || row.transition !== undefined) &&
              (!errorsOnly || row.isError),
          );
          const isSplit = world.records.length > 40;
          if (!isSplit) expect(rows.shown.map(({ seq }) => seq)).toEqual(wanted.map(({ seq }) => seq));
          const all = rows.update(history, { ...filter, query: '', transitionsOnly: false, errorsOnly: false }).shown;
          const told = all.flatMap(({ seq, transition }) => [
            seq,
            ...(transition && transition.seq !== seq ? [transition.seq] : []),
          ]);
          expect(told.toSorted((a, b) => a - b)).toEqual(
            world.records.filter(({ kind }) => kind !== 'context').map(({ seq }) => seq),
          );
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('the file of a session', () => {
  it.each([
    ['', /empty/],
    ['no session', /not a Greenroom session/],
    ['{"format":"greenroom-session","version":2}', /version 2/],
  ])('that is none is refused in words: %s', (text, message) => {
    expect(() => readSession(text)).toThrow(message);
  });

  it('may end in the middle of a line, and nowhere else', () => {
    const world = new World();
    for (let n = 0; n < 3; n += 1) world.step([n, 2, n]);
    const text = writeSession(new History(world.now(), world.records));
    expect(readSession(text.slice(0, -10)).seq).toBe(3);
    expect(readSession(text.slice(0, -10)).records).toHaveLength(2);
    expect(() => readSession(text.replace('"kind"', '"kin'))).toThrow(/is not a record/);
  });
});
