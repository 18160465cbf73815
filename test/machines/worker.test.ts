import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { type ActorRefFrom, createActor, fromCallback, fromPromise } from 'xstate';
import { watchLiveness } from '../../src/actors/liveness.ts';
import type { SpawnServices } from '../../src/actors/process.ts';
import { GreenroomError } from '../../src/errors.ts';
import type { LaunchRequest } from '../../src/machines/worker.ts';
import {
  type MemoryExcess,
  type WorkerCommand,
  type WorkerEvent,
  type WorkerInput,
  workerMachine,
} from '../../src/machines/worker.ts';
import type { ProcessCommand } from '../../src/process/worker-process.ts';
import { SimulatedClock } from '../simulation/clock.mjs';
import { type FakeWorker, FakeWorkers, GOOD, type Manner } from '../simulation/fake-workers.ts';

const stops: (() => void)[] = [];

afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** The worker machine with a process of this manner. */
class Bench {
  readonly clock = new SimulatedClock();
  readonly told: WorkerEvent[] = [];
  readonly process: FakeWorker;
  readonly states: string[] = [];
  /** Why it was signalled, each time. */
  readonly reasons: (string | undefined)[] = [];
  /** It uses more memory than it may. */
  exceed: (excess: MemoryExcess) => void = () => {};
  readonly #actor: ActorRefFrom<typeof workerMachine>;

  constructor(manner: Partial<Manner> = {}) {
    const { clock } = this;
    const workers = new FakeWorkers({
      mannerOf: () => ({ ...GOOD, ...manner }),
      later: (fn, ms) => void this.clock.setTimeout(fn, ms),
    });
    const parent = createActor(
      fromCallback<WorkerEvent>(({ receive }) =>
        receive((event) => {
          // Beside what it says itself, XState tells of its end.
          if (event.type.startsWith('WORKER.')) this.told.push(event);
        }),
      ),
      { clock },
    ).start();
    const logic = workerMachine.provide({
      actors: {
        process: fromCallback<ProcessCommand, { launch: LaunchRequest; generation: number }>(
          ({ input, sendBack, receive }) => {
            const worker = workers.spawn(input.launch, input.generation, {} as SpawnServices, sendBack);
            receive(({ signal, reason }) => {
              this.reasons.push(reason);
              worker.signal(signal);
            });
          },
        ) as never,
        connect: fromPromise(({ input, signal }) => workers.connect(input.process, input.launch, signal)),
        initialize: fromPromise(async ({ input, signal }) => {
          await input.connection.channel.config?.initialize(input.config, signal);
          return input.config;
        }),
        cleanup: fromPromise(async ({ input, signal }) => input.connection.channel.cleanup?.(signal)),
        liveness: fromCallback<never, { name: string; connection: never; liveness: never }>(({ input, sendBack }) =>
          watchLiveness(input.name, input.connection, input.liveness, clock, (error) =>
            sendBack({ type: 'LIVENESS.LOST', error }),
          ),
        ) as never,
        memory: fromCallback<never>(({ sendBack }) => {
          this.exceed = (excess) => sendBack({ type: 'MEMORY.EXCEEDED', ...excess });
        }) as never,
      },
    });
    const input: WorkerInput = {
      name: 'p',
      generation: 3,
      launch: { plugin: 'p', concurrency: 1, env: {} } as unknown as LaunchRequest,
      config: { size: 1 },
      timeouts: { installMs: 60_000, startMs: 1_000, stopMs: 200 },
      liveness: { intervalMs: 10_000, timeoutMs: 500 },
      maxRssMb: undefined,
    };
    this.#actor = createActor(logic, { parent: parent as never, id: 'worker', input });
    this.#actor.subscribe(({ value }) => {
      const state = typeof value === 'string' ? value : Object.entries(value)[0]?.join('.');
      if (state !== undefined && state !== this.states.at(-1)) this.states.push(state);
    });
    this.#actor.start();
    this.process = workers.all[0] as FakeWorker;
    stops.push(() => {
      if (this.#actor.getSnapshot().status === 'active') this.#actor.send({ type: 'KILL' });
      parent.stop();
    });
  }

  send(event: WorkerCommand): void {
    this.#actor.send(event);
  }

  get events(): string[] {
    return this.told.map(({ type }) => type);
  }

  /** Turns the clock, and lets everything happen that follows. */
  async pass(ms: number): Promise<void> {
    await turn();
    this.clock.pass(ms);
    await turn();
  }
}

test('a worker is launched, shows who it is, is initialised and up; stopped, it cleans up, exits and is gone', async () => {
  const bench = new Bench();
  await turn();
  bench.send({ type: 'STOP' });
  await turn();
  expect(bench.states).toEqual([
    'launching',
    'handshaking',
    'initializing',
    'up',
    'stopping.cleaning',
    'stopping.terminating',
    'exited',
    'gone',
  ]);
  expect(bench.events).toEqual(['WORKER.SPAWNED', 'WORKER.CONNECTED', 'WORKER.READY', 'WORKER.EXITED', 'WORKER.GONE']);
  expect(bench.told.every((event) => event.generation === 3)).toBe(true);
  expect(bench.told[2]).toMatchObject({ config: { size: 1 }, connection: { concurrency: 1 } });
  expect([bench.process.signals, bench.clock.pending]).toEqual([['SIGTERM'], 0]);
});

test.each<[string, Partial<Manner>]>([
  ['spawned', { spawn: 'late' }],
  ['answering the handshake', { connect: 'late' }],
  ['initialising its plugin', { initialize: 'late' }],
])('a worker that is still being %s at its start deadline is killed', async (step, manner) => {
  const bench = new Bench(manner);
  await bench.pass(999);
  expect(bench.events).not.toContain('WORKER.FAILED');
  await bench.pass(1);
  const failed = bench.told.find((event) => event.type === 'WORKER.FAILED');
  expect(failed).toMatchObject({ retryable: true, error: { code: 'E_START_TIMEOUT' } });
  expect(failed?.error.message).toContain(`still ${step} after 1000 ms`);
  expect([bench.process.signals, bench.events.slice(-2), bench.clock.pending]).toEqual([
    ['SIGKILL'],
    ['WORKER.EXITED', 'WORKER.GONE'],
    0,
  ]);
});

test('the time for the start begins when the package of the worker is installed', async () => {
  const bench = new Bench({ install: 5_000, connect: 'late' });
  await bench.pass(5_000);
  expect(bench.states).toEqual(['launching', 'installing', 'launching', 'handshaking']);
  expect(bench.events).toEqual(['WORKER.INSTALLING', 'WORKER.INSTALLED', 'WORKER.SPAWNED']);
  await bench.pass(999);
  expect(bench.states.at(-1)).toBe('handshaking');
  await bench.pass(1);
  expect(bench.told.find((event) => event.type === 'WORKER.FAILED')?.error.code).toBe('E_START_TIMEOUT');
});

test('an installation is killed at its own deadline', async () => {
  const bench = new Bench({ install: 'late' });
  await bench.pass(59_999);
  expect(bench.states.at(-1)).toBe('installing');
  await bench.pass(1);
  const failed = bench.told.find((event) => event.type === 'WORKER.FAILED');
  expect(failed).toMatchObject({ retryable: true, error: { code: 'E_START_TIMEOUT' } });
  expect(failed?.error.message).toContain('install_timeout_ms');
  expect([bench.process.signals, bench.events.at(-1), bench.clock.pending]).toEqual([['SIGKILL'], 'WORKER.GONE', 0]);
});

test('an installation that fails is told as the error of the start', async () => {
  const bench = new Bench({ install: 'refused' });
  await turn();
  expect(bench.told.find((event) => event.type === 'WORKER.FAILED')?.error.message).toBe('There is no such package.');
  expect([bench.events.at(-1), bench.clock.pending]).toEqual(['WORKER.GONE', 0]);
});

test('a worker that is stopped while its package is installed is killed at once', async () => {
  const bench = new Bench({ install: 'late' });
  await turn();
  bench.send({ type: 'STOP' });
  await turn();
  expect([bench.process.signals, bench.events.slice(-2), bench.clock.pending]).toEqual([
    ['SIGKILL'],
    ['WORKER.EXITED', 'WORKER.GONE'],
    0,
  ]);
});

test('a worker that is up is bound by the start deadline no more', async () => {
  const bench = new Bench();
  await bench.pass(5_000);
  expect(bench.states.at(-1)).toBe('up');
});

test('a stop goes on to the next means as the deadline of each passes', async () => {
  const bench = new Bench({ cleanup: 'late', heedsTerm: false });
  await turn();
  bench.send({ type: 'STOP' });
  await bench.pass(199);
  expect([bench.states.at(-1), bench.process.signals]).toEqual(['stopping.cleaning', []]);
  await bench.pass(1);
  expect([bench.states.at(-1), bench.process.signals]).toEqual(['stopping.terminating', ['SIGTERM']]);
  await bench.pass(199);
  expect(bench.process.signals).toEqual(['SIGTERM']);
  await bench.pass(1);
  expect([bench.states.at(-1), bench.process.signals]).toEqual(['gone', ['SIGTERM', 'SIGKILL']]);
});

test('a cleanup that fails is followed by SIGTERM at once', async () => {
  const bench = new Bench({ cleanup: 'refused' });
  await turn();
  bench.send({ type: 'STOP' });
  await turn();
  expect([bench.states.at(-1), bench.process.signals]).toEqual(['gone', ['SIGTERM']]);
});

test('a worker that does not answer is killed first, then reported as hung', async () => {
  const bench = new Bench({ health: 'late' });
  await bench.pass(10_000);
  await bench.pass(499);
  expect(bench.states.at(-1)).toBe('up');
  await bench.pass(1);
  expect(bench.process.signals).toEqual(['SIGKILL']);
  expect(bench.events.slice(-3)).toEqual(['WORKER.HUNG', 'WORKER.EXITED', 'WORKER.GONE']);
  expect(bench.told.find((event) => event.type === 'WORKER.HUNG')?.error.code).toBe('E_HUNG');
});

test('a signal says why, unless the worker is only no longer needed', async () => {
  const stopped = new Bench();
  await turn();
  stopped.send({ type: 'STOP' });
  await turn();
  expect(stopped.reasons).toEqual([undefined]);

  const deaf = new Bench({ heedsTerm: false });
  await turn();
  deaf.send({ type: 'STOP' });
  await deaf.pass(0);
  await deaf.pass(200);
  expect(deaf.reasons).toEqual([undefined, 'It did not end within 200 ms after SIGTERM and was killed.']);

  const killed = new Bench();
  await turn();
  killed.send({ type: 'KILL', reason: 'It holds on to a call.' });
  expect(killed.reasons).toEqual(['It holds on to a call.']);

  const hung = new Bench({ health: 'late' });
  await hung.pass(10_000);
  await hung.pass(500);
  expect(hung.reasons).toEqual([expect.stringContaining('did not answer within 500 ms')]);

  const grown = new Bench();
  await turn();
  const details = { memoryRssMb: 200, maxRssMb: 100 };
  const error = new GreenroomError('E_MEMORY', 'It uses too much.', { plugin: 'p', details });
  grown.exceed({ error, withinMs: 0 });
  grown.send({ type: 'STOP' });
  await turn();
  expect(grown.reasons).toEqual(['It uses too much.']);

  const slow = new Bench({ connect: 'late' });
  await slow.pass(1_000);
  expect(slow.reasons).toEqual([expect.stringContaining('after 1000 ms')]);
});

test('a worker that answers is asked again and again, and lives', async () => {
  const bench = new Bench();
  for (let asked = 0; asked < 20; asked += 1) await bench.pass(10_000);
  expect([bench.states.at(-1), bench.process.signals]).toEqual(['up', []]);
});

test('a worker that is up and exits is reported with its exit', async () => {
  const bench = new Bench();
  await turn();
  bench.process.exit({ code: null, signal: 'SIGSEGV' });
  expect(bench.events.slice(-2)).toEqual(['WORKER.EXITED', 'WORKER.GONE']);
  expect(bench.told.find((event) => event.type === 'WORKER.EXITED')).toMatchObject({
    exit: { signal: 'SIGSEGV', retryable: true },
    error: { code: 'E_CRASHED' },
  });
});

test.each<[string, Partial<Manner>]>([
  ['the handshake', { connect: 'late' }],
  ['its initialisation', { initialize: 'late' }],
])('a worker that exits during %s has failed to start, once', async (_, manner) => {
  const bench = new Bench(manner);
  await turn();
  bench.process.exit({ code: 3 });
  await turn();
  expect(bench.events.filter((type) => type === 'WORKER.FAILED')).toHaveLength(1);
  expect(bench.told.find((event) => event.type === 'WORKER.FAILED')).toMatchObject({
    retryable: true,
    exit: { code: 3 },
    error: { code: 'E_START' },
  });
  expect(bench.events.at(-1)).toBe('WORKER.GONE');
});

test('an exit with status 125 asks not to be restarted, before it is up and after', async () => {
  const starting = new Bench({ initialize: 'late' });
  await turn();
  starting.process.exit({ code: 125 });
  expect(starting.told.find((event) => event.type === 'WORKER.FAILED')).toMatchObject({ retryable: false });
  const up = new Bench();
  await turn();
  up.process.exit({ code: 125 });
  expect(up.told.find((event) => event.type === 'WORKER.EXITED')).toMatchObject({ exit: { retryable: false } });
});

test.each<[string, string, boolean, Partial<Manner>]>([
  ['a program that is not there', 'E_MANIFEST', false, { spawn: 'refused' }],
  ['a wrong handshake', 'E_HANDSHAKE', false, { connect: 'refused' }],
  ['an error of the plugin', 'E_REMOTE', true, { initialize: 'refused' }],
])('%s fails the start with %s, and whether another try may help is %s', async (_, code, retryable, manner) => {
  const bench = new Bench(manner);
  await turn();
  const failed = bench.told.filter((event) => event.type === 'WORKER.FAILED');
  expect(failed).toMatchObject([{ error: { code }, retryable }]);
  expect([bench.events.at(-1), bench.clock.pending]).toEqual(['WORKER.GONE', 0]);
});

test('a config that is not valid is never tried again', async () => {
  const bench = new Bench({ initialize: 'late' });
  await turn();
  bench.process.fail(new GreenroomError('E_CONFIG', 'No.'));
  await turn();
  expect(bench.told.find((event) => event.type === 'WORKER.FAILED')).toMatchObject({ retryable: false });
  // It had started, so it may clean up.
  expect(bench.process.signals).toEqual(['SIGTERM']);
});

test.each<[string, Partial<Manner>, string[]]>([
  ['being spawned', { spawn: 'late' }, ['SIGKILL']],
  ['shaking hands', { connect: 'late' }, ['SIGTERM']],
  ['being initialised', { initialize: 'late' }, ['SIGTERM']],
])('a worker that is stopped while it is %s ends, which is no failed start', async (_, manner, signals) => {
  const bench = new Bench(manner);
  await turn();
  bench.send({ type: 'STOP' });
  await turn();
  expect(bench.process.signals).toEqual(signals);
  expect(bench.events).not.toContain('WORKER.FAILED');
  expect([bench.events.at(-1), bench.clock.pending]).toEqual(['WORKER.GONE', 0]);
});

test('a kill passes over the cleanup, and a second one changes nothing', async () => {
  const bench = new Bench({ cleanup: 'late', buried: false });
  await turn();
  bench.send({ type: 'KILL' });
  await turn();
  expect([bench.states.at(-1), bench.process.signals]).toEqual(['exited', ['SIGKILL']]);
  bench.send({ type: 'KILL' });
  bench.send({ type: 'STOP' });
  expect(bench.states.at(-1)).toBe('exited');
  bench.process.bury();
  expect(bench.states.at(-1)).toBe('gone');
});
