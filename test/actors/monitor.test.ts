import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AnyActorRef, createActor, fromCallback } from 'xstate';
import { type Figures, monitorLogic } from '../../src/actors/monitor.ts';
import { MEASURE_TIMEOUT_MS, schedulerMachine } from '../../src/machines/scheduler.ts';
import type { Decision } from '../../src/scheduler/decision.ts';
import type { Measurement } from '../../src/scheduler/measurement.ts';
import { MONITOR_NEED, type Need, needOf } from '../../src/scheduler/need.ts';
import { type PolicyOptions, policyNamed } from '../../src/scheduler/policies/policies.ts';
import { residentKey } from '../../src/scheduler/resident-key.ts';
import type { SchedulerFact, SchedulerReply } from '../../src/scheduler/scheduler-events.ts';
import { SimulatedClock } from '../simulation/clock.mjs';

/** Sources that are answered by hand. */
class Sources implements Figures {
  free: Measurement['free'] = {};
  used: Measurement['used'] = [];
  readonly looks: (() => void)[] = [];
  prompt = true;
  readonly #clock: SimulatedClock;

  constructor(clock: SimulatedClock) {
    this.#clock = clock;
  }

  refresh(): Promise<void> {
    return this.prompt ? Promise.resolve() : new Promise((resolve) => this.looks.push(resolve));
  }

  measurement(): Measurement {
    return { free: this.free, used: this.used, at: this.#clock.now() };
  }
}

let clock: SimulatedClock;
let sources: Sources;
const actors: { stop(): unknown }[] = [];
beforeEach(() => {
  clock = new SimulatedClock();
  sources = new Sources(clock);
});
afterEach(() => {
  for (const actor of actors.splice(0)) actor.stop();
  expect(clock.pending).toBe(0);
});

describe('MEASURE', () => {
  function start() {
    const answers: Measurement[] = [];
    const monitor = createActor(monitorLogic, {
      input: { clock, figures: sources, answer: (event) => answers.push(event) },
    });
    monitor.start();
    actors.push(monitor);
    return { monitor, answers };
  }

  test('is answered once the sources have been read', async () => {
    const { monitor, answers } = start();
    sources.free = { vramMb: 1, ramMb: 2 };
    monitor.send({ type: 'MEASURE' });
    await turn();
    expect(answers).toEqual([{ type: 'MEASURED', free: { vramMb: 1, ramMb: 2 }, used: [], at: clock.now() }]);
    clock.pass(10_000);
    expect(answers).toHaveLength(1);
  });

  test('is answered before the scheduler gives up when they are slow, and not again when they have been read', async () => {
    const { monitor, answers } = start();
    sources.prompt = false;
    monitor.send({ type: 'MEASURE' });
    clock.pass(MEASURE_TIMEOUT_MS - 1);
    expect(answers).toHaveLength(1);
    sources.looks[0]?.();
    await turn();
    expect(answers).toHaveLength(1);
  });

  test('is answered once for every time it was asked', async () => {
    const { monitor, answers } = start();
    sources.prompt = false;
    monitor.send({ type: 'MEASURE' });
    monitor.send({ type: 'MEASURE' });
    sources.looks[1]?.();
    await turn();
    expect(answers).toHaveLength(1);
    clock.pass(MEASURE_TIMEOUT_MS);
    expect(answers).toHaveLength(2);
  });

  test('is not answered by a monitor that was stopped', async () => {
    const { monitor, answers } = start();
    sources.prompt = false;
    monitor.send({ type: 'MEASURE' });
    monitor.stop();
    sources.looks[0]?.();
    await turn();
    clock.pass(MEASURE_TIMEOUT_MS);
    expect(answers).toEqual([]);
  });
});

describe('with the scheduler', () => {
  const gpu = (vramMb: number, terms: Partial<Need> = {}): Need => ({
    ...needOf({ min_gpu_vram_mb: vramMb }),
    ...terms,
  });

  function open(options: PolicyOptions = {}) {
    const decisions: Decision[] = [];
    const facts: SchedulerFact[] = [];
    const told = new Map<string, string[]>();
    const monitor: AnyActorRef = createActor(monitorLogic, {
      input: { clock, figures: sources, answer: (event) => scheduler.send(event) },
    }).start();
    const scheduler = createActor(schedulerMachine, {
      clock,
      input: { clock, monitor, policy: policyNamed('queue', options) },
    });
    scheduler.on('decision', ({ decision }) => decisions.push(decision));
    scheduler.on('fact', ({ fact }) => facts.push(fact));
    scheduler.start();
    actors.push(monitor, scheduler);
    return {
      decisions,
      facts,
      scheduler,
      ledger: scheduler.getSnapshot().context.admission.ledger,
      told: (plugin: string): string[] => told.get(plugin) ?? [],
      async ask(plugin: string, need: Need): Promise<void> {
        const heard: string[] = [];
        told.set(plugin, heard);
        const ref = createActor(
          fromCallback<SchedulerReply>(({ receive }) =>
            receive((event) => heard.push(event.type === 'REFUSED' ? `REFUSED ${event.error.reason}` : event.type)),
          ),
        ).start();
        actors.push(ref);
        const at = clock.now();
        scheduler.send({ type: 'ACQUIRE', plugin, generation: 1, ref, need, priority: 0, deadline: undefined, at });
        await turn();
      },
      /** In steps, so that what is asked can be answered before its deadline. */
      async pass(ms: number): Promise<void> {
        for (let left = ms; left > 0; left -= 100) {
          clock.pass(Math.min(100, left));
          await turn();
        }
      },
    };
  }

  /** A plugin resides and takes up all there is; another asks, and the first is told to go and goes. */
  async function evicted(options: PolicyOptions) {
    const room = open(options);
    sources.free = { vramMb: 1_000 };
    await room.ask('old', gpu(900));
    expect(room.told('old')).toEqual(['GRANTED']);
    room.scheduler.send({ type: 'IDLE', plugin: 'old', generation: 1, at: clock.now() });
    sources.free = { vramMb: 100 };
    await room.pass(2_000);
    await room.ask('new', gpu(800));
    expect(room.told('old')).toEqual(['GRANTED', 'RELEASE']);
    await room.pass(10);
    room.scheduler.send({ type: 'FREED', plugin: 'old', generation: 1 });
    await turn();
    return room;
  }

  test('what a victim gave up is granted when it is seen free, not before', async () => {
    const room = await evicted({ confirmMs: 3_000 });
    expect(room.told('new')).toEqual([]);
    expect(room.decisions.at(-1)).toMatchObject({ plugin: 'new', outcome: 'wait', reason: 'not-seen-free' });
    await room.pass(1_000);
    expect(room.told('new')).toEqual([]);
    sources.free = { vramMb: 1_000 };
    await room.pass(1_000);
    expect(room.told('new')).toEqual(['GRANTED']);
    expect(room.facts).toEqual([]);
  });

  test('memory that is seen free at once adds no wait', async () => {
    const room = open({});
    sources.free = { vramMb: 100 };
    await room.ask('other', gpu(50));
    room.scheduler.send({ type: 'IDLE', plugin: 'other', generation: 1, at: clock.now() });
    sources.free = { vramMb: 1_000 };
    room.scheduler.send({ type: 'FREED', plugin: 'other', generation: 1 });
    const before = clock.now();
    await room.ask('new', gpu(800));
    expect(room.told('new')).toEqual(['GRANTED']);
    expect(clock.now()).toBe(before);
  });

  test.each([
    ['proceed', 'GRANTED', ['not-seen-free']],
    ['refuse', 'REFUSED not-seen-free', []],
  ] as const)('what is never seen free: %s', async (unconfirmed, answer, facts) => {
    const room = await evicted({ confirmMs: 3_000, unconfirmed });
    await room.pass(4_000);
    expect(room.told('new')).toEqual([answer]);
    expect(room.facts.map(({ kind }) => kind)).toEqual(facts);
  });

  test('sources that never answer hold nobody up', async () => {
    const room = open({});
    sources.prompt = false;
    await room.ask('one', gpu(800));
    expect(room.told('one')).toEqual([]);
    await room.pass(MEASURE_TIMEOUT_MS);
    expect(room.told('one')).toEqual(['GRANTED']);
  });

  test('the monitor itself is granted while its figures are waited for', async () => {
    const room = open({});
    sources.prompt = false;
    await room.ask('one', gpu(800));
    await room.ask('monitor', MONITOR_NEED);
    expect(room.told('monitor')).toEqual(['GRANTED']);
    expect(room.decisions).toMatchObject([{ plugin: 'monitor', outcome: 'grant', reason: 'exempt' }]);
    expect(room.told('one')).toEqual([]);
    expect(room.ledger.get(residentKey({ plugin: 'monitor' }), 1)?.need).toMatchObject({ pinned: true, slots: 0 });
    await room.pass(MEASURE_TIMEOUT_MS);
  });
});
