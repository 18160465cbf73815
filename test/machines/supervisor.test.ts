import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { type AnyActorRef, createActor, fromCallback, fromPromise } from 'xstate';
import { GreenroomError } from '../../src/errors.ts';
import type { PluginReport, RestartVerdict } from '../../src/machines/plugin.ts';
import { type PluginSet, supervisorMachine } from '../../src/machines/supervisor.ts';
import type { ManifestChange } from '../../src/manifest/source.ts';
import type { WorkerExit } from '../../src/process/worker-process.ts';
import { SimulatedClock } from '../simulation/clock.mjs';
import { entryOf, settingsOf } from './plugin-bench.ts';

const CHANGE: ManifestChange = { type: 'removed', name: 'p', previous: entryOf() };
const CRASH = new GreenroomError('E_CRASHED', 'It died.');
const stops: (() => void)[] = [];

afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** A supervisor machine whose plugins are counted, and one plugin that notes what is decided about it. */
class Bench {
  readonly clock = new SimulatedClock();
  readonly did: string[] = [];
  readonly verdicts: RestartVerdict[] = [];
  plugins = 0;
  random = 0.5;
  readonly actor;
  readonly plugin: AnyActorRef;
  #found: { resolve(changes: ManifestChange[]): void; reject(error: Error): void } | undefined;

  constructor() {
    const plugin = createActor(
      fromCallback<RestartVerdict>(({ receive }) => receive((event) => this.verdicts.push(event))),
    ).start();
    this.plugin = plugin;
    this.actor = createActor(
      supervisorMachine.provide({
        actors: {
          discover: fromPromise<ManifestChange[]>(
            () => new Promise((resolve, reject) => (this.#found = { resolve, reject })),
          ),
        },
      }),
      {
        clock: this.clock,
        input: {
          host: {
            clock: this.clock,
            schedulerInput: {},
            random: () => this.random,
            plugins: this.#plugins(),
          },
        },
      },
    );
    this.actor.start();
    stops.push(() => {
      this.actor.stop();
      plugin.stop();
    });
  }

  #plugins(): PluginSet {
    const count = (): number => this.plugins;
    return {
      get size() {
        return count();
      },
      apply: (changes) => void this.did.push(`apply ${changes.length}`),
      endAll: () => void this.did.push('end plugins'),
      forget: (name) => {
        this.did.push(`forget ${name}`);
        this.plugins -= 1;
      },
    };
  }

  get at(): string {
    return this.actor.getSnapshot().value;
  }

  async found(changes: ManifestChange[] | Error): Promise<void> {
    if (changes instanceof Error) this.#found?.reject(changes);
    else this.#found?.resolve(changes);
    await turn();
  }

  crash(end: Partial<Extract<PluginReport, { type: 'PLUGIN.CRASHED' }>> & { code?: number } = {}): RestartVerdict {
    const { code = 1, ...report } = end;
    const exit: WorkerExit = { code, signal: null, output: '', outOfMemory: false, retryable: true };
    this.actor.send({
      type: 'PLUGIN.CRASHED',
      plugin: 'p',
      ref: this.plugin,
      generation: undefined,
      at: this.clock.now(),
      error: CRASH,
      exit,
      retryable: true,
      wasReady: true,
      settings: settingsOf(entryOf()),
      ...report,
    });
    return this.verdicts.at(-1) as RestartVerdict;
  }
}

const changes = (bench: Bench): void => bench.actor.send({ type: 'MANIFESTS.CHANGED', changes: [CHANGE] });

test('it boots until the first discovery is done, runs, drains, and stops when no plugin is left', async () => {
  const bench = new Bench();
  expect(bench.at).toBe('booting');
  changes(bench);
  await bench.found([CHANGE, CHANGE]);
  expect([bench.at, bench.did]).toEqual(['running', ['apply 2']]);
  changes(bench);
  bench.plugins = 2;
  bench.actor.send({ type: 'STOP' });
  changes(bench);
  expect([bench.at, bench.did.slice(1)]).toEqual(['draining', ['apply 1', 'end plugins']]);
  bench.actor.send({ type: 'PLUGIN.REMOVED', plugin: 'p' });
  expect(bench.at).toBe('draining');
  bench.actor.send({ type: 'PLUGIN.REMOVED', plugin: 'q' });
  expect([bench.at, bench.did.slice(3)]).toEqual(['stopped', ['forget p', 'forget q']]);
  expect([bench.actor.getSnapshot().status, bench.clock.pending]).toEqual(['done', 0]);
});

test('it runs also if the first discovery fails', async () => {
  const bench = new Bench();
  await bench.found(new Error('unreadable'));
  expect([bench.at, bench.did]).toEqual(['running', []]);
});

test('it can be stopped while it boots, and what is found then counts no more', async () => {
  const bench = new Bench();
  bench.actor.send({ type: 'STOP' });
  await bench.found([CHANGE]);
  expect([bench.at, bench.did]).toEqual(['stopped', ['end plugins']]);
});

test('crashes in a row are restarted after delays that grow, until there were too many', async () => {
  const bench = new Bench();
  await bench.found([]);
  const delays = Array.from({ length: 5 }, () => bench.crash());
  expect(delays).toEqual([50, 100, 200, 400, 800].map((delayMs) => ({ type: 'RESTART', delayMs })));
  const verdict = bench.crash();
  expect(verdict).toMatchObject({ type: 'GIVE_UP', error: { code: 'E_GIVEN_UP', plugin: 'p', cause: CRASH } });
  expect(verdict.type === 'GIVE_UP' && verdict.error.message).toContain(
    'was given up after 5 restarts in 60 s. Last error: ',
  );
});

test('what was stable is restarted as at first, and its restarts still count', async () => {
  const bench = new Bench();
  await bench.found([]);
  for (let crash = 0; crash < 4; crash += 1) bench.crash();
  bench.actor.send({ type: 'PLUGIN.STABLE', plugin: 'p' });
  expect(bench.crash()).toEqual({ type: 'RESTART', delayMs: 50 });
  expect(bench.crash().type).toBe('GIVE_UP');
});

test('instances that are lost while others serve count by themselves, not against the last one', async () => {
  const bench = new Bench();
  await bench.found([]);
  for (let loss = 0; loss < 5; loss += 1) expect(bench.crash({ generation: loss }).type).toBe('RESTART');
  const verdict = bench.crash({ generation: 6 });
  expect(verdict).toMatchObject({ type: 'GIVE_UP', generation: 6, error: { code: 'E_GIVEN_UP' } });
  expect(verdict.type === 'GIVE_UP' && verdict.error.message).toContain(
    'Further instances of "p" are given up after 5',
  );
  expect(bench.crash()).toEqual({ type: 'RESTART', delayMs: 50 });
  bench.actor.send({ type: 'PLUGIN.CLEARED', plugin: 'p' });
  expect(bench.crash({ generation: 7 })).toMatchObject({ type: 'RESTART', delayMs: 50 });
});

test('what is loaded anew by hand, or removed, starts with a clean slate', async () => {
  for (const type of ['PLUGIN.CLEARED', 'PLUGIN.REMOVED'] as const) {
    const bench = new Bench();
    await bench.found([]);
    for (let crash = 0; crash < 6; crash += 1) bench.crash();
    bench.actor.send({ type, plugin: 'p' });
    expect(bench.crash()).toEqual({ type: 'RESTART', delayMs: 50 });
  }
});

test('the crashes of one plugin do not count against another', async () => {
  const bench = new Bench();
  await bench.found([]);
  for (let crash = 0; crash < 6; crash += 1) bench.crash();
  expect(bench.crash({ plugin: 'q' })).toEqual({ type: 'RESTART', delayMs: 50 });
});

test('a normal exit stops the plugin, one with status 125 gives it up, and so does what cannot be helped', async () => {
  const bench = new Bench();
  await bench.found([]);
  expect(bench.crash({ code: 0 })).toEqual({ type: 'STOPPED' });
  const asked = bench.crash({ code: 125 });
  expect(asked.type === 'GIVE_UP' && asked.error.message).toContain(
    'exited with status 125, which asks for no restart',
  );
  const hopeless = bench.crash({ retryable: false });
  expect(hopeless.type === 'GIVE_UP' && hopeless.error.message).toContain('another start would fail in the same way');
  const settings = settingsOf(entryOf({ restart: { policy: 'temporary' } }));
  expect(bench.crash({ settings })).toMatchObject({ type: 'GIVE_UP', error: { details: { kind: 'temporary' } } });
});

test('crashes are decided about while it drains, so that no plugin waits for ever', async () => {
  const bench = new Bench();
  await bench.found([]);
  bench.plugins = 1;
  bench.actor.send({ type: 'STOP' });
  expect(bench.crash()).toEqual({ type: 'RESTART', delayMs: 50 });
});
