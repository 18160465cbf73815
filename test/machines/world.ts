import { getEventListeners } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { pino } from 'pino';
import type { SnapshotFrom } from 'xstate';
import { Call, nextCallId } from '../../src/calls/call.ts';
import { resolveSettings } from '../../src/config.ts';
import { GreenroomError } from '../../src/errors.ts';
import type { PluginContext, PluginEvent } from '../../src/machines/plugin.ts';
import type { schedulerMachine } from '../../src/machines/scheduler.ts';
import type { PluginRecord } from '../../src/plugin-record.ts';
import { Runtime } from '../../src/runtime.ts';
import { Supervisor } from '../../src/supervisor.ts';
import { type FakeWorker, FakeWorkers, GOOD, type Manner } from './fake-workers.ts';
import { TestClock } from './test-clock.ts';

const NAMES = ['a', 'b', 'c'] as const;
const RESTS = ['discovered.idle', 'ready.ready', 'released.warm', 'released.cold', 'crashed.failed'];

/** A call as its caller sees it. */
interface Caller {
  readonly plugin: string;
  readonly controller: AbortController;
  readonly call: Call;
  readonly deadline: number | undefined;
  outcomes: number;
}

const pick = <T>(list: readonly T[], n: number): T | undefined => list[n % list.length];
const choose = <T>(n: number, first: T, ...others: T[]): T => [first, ...others][n % (others.length + 1)] as T;

/** The real supervisor, with fake workers and a clock that is turned by hand; checks the invariants after every event. */
export class World {
  readonly clock = new TestClock();
  readonly workers: FakeWorkers;
  readonly runtime: Runtime;
  readonly supervisor: Supervisor;
  /** Every state and phase that some plugin was in. */
  readonly seen = new Set<string>();
  calls = 0;
  /** What was done and what came of it. */
  readonly #story: string[] = [];
  #callers: Caller[] = [];
  #pendingOperations = 0;
  readonly #folder = mkdtempSync(join(tmpdir(), 'gr-world-'));
  readonly #manifests = new Map<string, Record<string, unknown>>();
  readonly #manners = new Map<string, Manner>();
  /** Thrown by `check`: a throw inside a machine would only end the machine. */
  readonly #violations: string[] = [];
  #chance = 1;

  /** @param slots how many workers there is room for; no limit by default */
  static async open(slots?: number): Promise<World> {
    const world = new World(slots);
    await world.runtime.start();
    return world;
  }

  private constructor(slots: number | undefined) {
    mkdirSync(join(this.#folder, 'plugins'));
    const settings = resolveSettings(
      {
        searchPaths: [join(this.#folder, 'plugins')],
        dataDir: this.#folder,
        watch: false,
        maxWaiting: 120,
        capacity: { slots },
      },
      { env: {}, cwd: this.#folder },
    );
    this.workers = new FakeWorkers(
      (plugin) => this.#manners.get(plugin) ?? GOOD,
      (worker, what) => this.#asked(worker, what),
    );
    const { spawn, connect } = this.workers;
    const random = (): number => {
      this.#chance = (this.#chance * 48_271) % 2_147_483_647;
      return this.#chance / 2_147_483_647;
    };
    this.runtime = new Runtime(settings, {
      clock: this.clock,
      random,
      logger: pino({ level: 'silent' }),
      spawn,
      connect,
      memoryOf: () => Promise.resolve(undefined),
    });
    this.supervisor = new Supervisor(this.runtime, settings);
    this.runtime.transitions.add(({ plugin, to, phase, event }) => {
      this.seen.add(`${to}.${phase}`);
      this.#story.push(`  ${plugin} -> ${to}.${phase} by ${event}`);
    });
    this.#write('a', { max_concurrency: 2 });
    this.#write('b', { idempotent: true, restart: { policy: 'permanent' }, drain_timeout_ms: 1_000 });
    this.#write('c', { cancel_grace_ms: 500, start_timeout_ms: 2_000, liveness: { interval_ms: 1_000 } });
  }

  /** One random event. Everything about it follows from the number. */
  async do(n: number): Promise<void> {
    const name = NAMES[n % NAMES.length] ?? 'a';
    const kind = Math.floor(n / NAMES.length) % WEIGHTED.length;
    const more = Math.floor(n / NAMES.length / WEIGHTED.length);
    const { title, deed } = WEIGHTED[kind] as (typeof WEIGHTED)[number];
    const record = this.runtime.records.get(name);
    this.#story.push(`${title} ${name} ${more}`);
    await deed({ world: this, name, record, more });
    this.check();
    // Now and then everything comes to rest, and now and then the next event comes in between.
    if (more % 2 === 0) await this.rest();
  }

  /** Lets everything happen that needs no time. */
  async rest(): Promise<void> {
    await turn();
    await turn();
    this.check();
    const now = this.clock.now();
    this.#callers = this.#callers.filter((caller) => {
      if (caller.outcomes === 0) {
        if (caller.deadline !== undefined && caller.deadline < now)
          throw new Error(`a call of ${caller.plugin} has no outcome at its deadline`);
        return true;
      }
      if (caller.outcomes > 1) throw new Error(`a call of ${caller.plugin} has ${caller.outcomes} outcomes`);
      if (getEventListeners(caller.controller.signal, 'abort').length > 0)
        throw new Error('a call that has ended still listens to its signal');
      return false;
    });
  }

  call(record: PluginRecord, n: number): void {
    const timeoutMs = choose(n, undefined, undefined, 50, 3_000, 60_000);
    const controller = new AbortController();
    const outcome = (): void => {
      caller.outcomes += 1;
    };
    const call = new Call(
      record,
      n % 7 === 0 ? 'stream' : 'execute',
      nextCallId(),
      { body: '{}', tempFiles: [] },
      { signal: controller.signal, timeoutMs, priority: n % 3 },
      { onChunk: () => {}, onResult: outcome, onError: outcome },
    );
    const deadline = timeoutMs === undefined ? undefined : this.clock.now() + timeoutMs;
    const caller: Caller = { plugin: record.plugin, controller, call, deadline, outcomes: 0 };
    this.#callers.push(caller);
    this.calls += 1;
    call.begin();
  }

  cancel(n: number): void {
    pick(this.#callers, n)?.controller.abort();
  }

  /** Something that a user asks for, whose promise must settle some time. */
  async operate(operation: () => Promise<unknown>): Promise<void> {
    this.#pendingOperations += 1;
    try {
      await operation();
    } catch (error) {
      if (!(error instanceof GreenroomError)) throw error;
    } finally {
      this.#pendingOperations -= 1;
    }
  }

  behave(name: string, manner: Partial<Manner>): void {
    const changed = { ...(this.#manners.get(name) ?? GOOD), ...manner };
    this.#manners.set(name, changed);
    for (const worker of this.workers.living(name)) worker.manner = changed;
  }

  async change(name: string, manifest: Record<string, unknown> | undefined): Promise<void> {
    if (manifest === undefined) {
      this.#manifests.delete(name);
      rmSync(join(this.#folder, 'plugins', `${name}.json`), { force: true });
    } else {
      this.#write(name, { ...this.#manifests.get(name), ...manifest });
    }
    await this.runtime.rediscover();
  }

  #write(name: string, manifest: Record<string, unknown>): void {
    this.#manifests.set(name, manifest);
    const file = join(this.#folder, 'plugins', `${name}.json`);
    writeFileSync(file, JSON.stringify({ name, command: 'program', ...manifest }));
  }

  /** An event of a generation that is not held must change nothing. */
  stale(record: PluginRecord, n: number): void {
    const before = record.actor.getSnapshot();
    if (before.status !== 'active') return;
    const { workers, generation, successor } = before.context;
    const held = new Set([...workers.map((slot) => slot.generation), generation, successor]);
    const old = [n % 5, n % 11, generation - 1, generation + 7].find((number) => !held.has(number));
    if (old === undefined) return;
    const event = staleEvent(n, old);
    const ledger = this.#ledgerOf(record);
    record.send(event);
    const after = record.actor.getSnapshot();
    if (JSON.stringify(after.value) !== JSON.stringify(before.value))
      throw new Error(`${event.type} of the stale generation ${old} led to ${JSON.stringify(after.value)}`);
    for (const [key, value] of Object.entries(after.context)) {
      const former: unknown = before.context[key as keyof PluginContext];
      const same =
        key === 'workers' && Array.isArray(value) && Array.isArray(former)
          ? value.length === former.length && value.every((slot) => former.some((other) => sameSlot(slot, other)))
          : value === former;
      if (!same) throw new Error(`${event.type} of the stale generation ${old} changed ${key}`);
    }
    if (this.#ledgerOf(record).join() !== ledger.join()) throw new Error(`${event.type} changed the ledger`);
  }

  #ledgerOf(record: PluginRecord): number[] {
    const scheduler = record.context.scheduler.getSnapshot() as SnapshotFrom<typeof schedulerMachine>;
    return scheduler.context.admission.ledger.of(record.plugin).map((reservation) => reservation.generation);
  }

  /** What is asked of a worker is looked at as it is asked. */
  #asked(worker: FakeWorker, what: string): void {
    const { plugin, generation } = worker;
    const record = this.runtime.records.get(plugin);
    const title = `${plugin}#${generation}`;
    switch (what) {
      case 'spawn': {
        const others = this.workers.living(plugin).length;
        const most = record?.state === 'ready' || record?.state === 'busy' ? 1 : 0;
        if (others > most) this.#violations.push(`${title} starts beside ${others} others in ${record?.state}`);
        return;
      }
      case 'call':
        if (worker.calls.size >= worker.concurrency) this.#violations.push(`${title} has too many calls`);
        return;
      case 'SIGKILL':
        return;
      default: {
        const slot = record?.context.workers.find((held) => held.generation === generation);
        const leases = slot?.residency?.guests.size ?? 0;
        if (leases > 0) this.#violations.push(`${title} is told ${what} with ${leases} leases out`);
      }
    }
  }

  /** Throws if an invariant does not hold. */
  check(): void {
    if (this.#violations.length > 0) throw new Error(this.#violations.join('; '));
    if (this.runtime.state !== 'running' && this.runtime.state !== 'draining' && this.runtime.state !== 'stopped')
      throw new Error(`the supervisor is ${this.runtime.state}`);
    for (const record of this.runtime.records.values()) this.#checkPlugin(record);
  }

  #checkPlugin(record: PluginRecord): void {
    const { plugin, gate } = record;
    const snapshot = record.actor.getSnapshot();
    if (snapshot.status === 'error') throw snapshot.error;
    if (snapshot.status !== 'active') return;
    const { workers, granted, generation, successor } = snapshot.context;
    const living = this.workers.living(plugin);
    if (living.length > 2) throw new Error(`${plugin} has ${living.length} workers`);
    const held = workers.map((slot) => slot.generation);
    const alive = living.map((worker) => worker.generation);
    if (held.length !== alive.length || held.some((one) => !alive.includes(one)))
      throw new Error(`${plugin} holds ${held.join()}, and ${alive.join()} live`);
    const asked = granted && record.phase === 'admitting' ? [generation] : [];
    const ledger = this.#ledgerOf(record);
    const mayBe = new Set([...held, ...asked, generation, successor]);
    if ([...held, ...asked].some((one) => !ledger.includes(one)) || ledger.some((one) => !mayBe.has(one)))
      throw new Error(
        `the ledger of ${plugin} holds ${ledger.join()}, it holds ${held.join()} and ${asked.join()} of ${generation}`,
      );
    const leases = workers.reduce((sum, slot) => sum + (slot.residency?.guests.size ?? 0), 0);
    if (gate.leases !== leases) throw new Error(`${plugin} counts ${gate.leases} leases, its workers ${leases}`);
    if (gate.waiting > 120) throw new Error(`${gate.waiting} wait for ${plugin}`);
  }

  /** Ends all faults, lets everything run out, and throws if that does not lead to rest. */
  async settle(): Promise<void> {
    for (const name of NAMES) this.#manners.set(name, GOOD);
    for (let round = 0; ; round += 1) {
      for (const worker of this.workers.living()) worker.mend();
      await this.rest();
      const unrest = this.#unrest();
      if (unrest === undefined) return;
      if (round > 60) throw new Error(unrest);
      this.clock.pass(7_000);
    }
  }

  /** Why it is not at rest. */
  #unrest(): string | undefined {
    for (const { plugin, state, phase, gate, replacing } of this.runtime.records.values()) {
      const place = `${state}.${phase}`;
      if (!RESTS.includes(place)) return `${plugin} does not come to rest, it is ${place}`;
      if (replacing) return `the replacement of ${plugin} does not end`;
      if (gate.waiting > 0 || gate.leases > 0)
        return `${plugin} rests in ${place} with ${gate.waiting} waiting and ${gate.leases} leases`;
    }
    if (this.#callers.length > 0) return `${this.#callers.length} calls have no outcome`;
    return this.#pendingOperations > 0 ? `${this.#pendingOperations} operations do not end` : undefined;
  }

  /** From wherever it rests, every plugin can be loaded, called and unloaded. */
  async revive(): Promise<void> {
    for (const name of NAMES) await this.change(name, { command: 'program' });
    for (const name of NAMES) {
      this.supervisor.enable(name);
      await this.supervisor.load(name);
      const called = this.supervisor.execute(name);
      await this.rest();
      for (const worker of this.workers.living(name)) worker.answer();
      await called;
      await this.supervisor.unload(name);
      await this.rest();
    }
    if (this.workers.living().length > 0) throw new Error('an unloaded plugin has a worker');
  }

  /** Stops wherever it is, and throws if anything is left. */
  async stop(): Promise<void> {
    let stopped = false;
    const stopping = this.supervisor.stop().then(() => {
      stopped = true;
    });
    const hasStopped = (): boolean => stopped;
    for (let round = 0; !hasStopped(); round += 1) {
      // What is left are log files to be closed, which takes real time.
      if (this.runtime.state === 'stopped') break;
      if (round > 100) throw new Error('it does not stop');
      await this.rest();
      for (const worker of this.workers.living()) worker.bury();
      this.clock.pass(1_000);
    }
    await stopping;
    await this.rest();
    if (this.clock.pending > 0) throw new Error(`${this.clock.pending} timers are left`);
    if (this.workers.living().length > 0) throw new Error('workers are left');
    if (this.#callers.length > 0) throw new Error(`${this.#callers.length} calls are left`);
    if (this.#pendingOperations > 0) throw new Error(`${this.#pendingOperations} operations are left`);
    if (this.runtime.records.size > 0) throw new Error('plugins are left');
    const { all } = this.workers;
    if (all.some((worker) => !worker.exited)) throw new Error('a worker has not exited');
  }

  /** The last things that were done, and what came of them. */
  get story(): string {
    return this.#story.slice(-60).join('\n');
  }

  /** To be called whatever has happened. */
  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function sameSlot(a: unknown, b: unknown): boolean {
  const [one, other] = [a, b] as Record<string, unknown>[];
  return ['generation', 'ref', 'pid', 'residency'].every((key) => one?.[key] === other?.[key]);
}

const ERROR = new GreenroomError('E_STOPPING', 'Somebody asked for it.');
const EXIT = { code: 1, signal: null, output: '', outOfMemory: false, retryable: true } as const;

function staleEvent(n: number, generation: number): PluginEvent {
  const events: PluginEvent[] = [
    { type: 'WORKER.SPAWNED', generation, pid: 1 },
    { type: 'WORKER.CONNECTED', generation },
    { type: 'WORKER.FAILED', generation, error: ERROR, retryable: true },
    { type: 'WORKER.HUNG', generation, error: ERROR },
    { type: 'WORKER.OVERSIZED', generation, error: ERROR },
    { type: 'WORKER.EXITED', generation, exit: EXIT, error: ERROR },
    { type: 'WORKER.GONE', generation },
    { type: 'GRANTED', generation },
    { type: 'STUCK', generation },
    { type: 'DRAINED', generation },
  ];
  return events[n % events.length] as PluginEvent;
}

interface Deed {
  readonly world: World;
  readonly name: string;
  readonly record: PluginRecord | undefined;
  readonly more: number;
}

/** The events of the world, each with how often it comes. */
const DEEDS: readonly (readonly [weight: number, name: string, (deed: Deed) => void | Promise<void>])[] = [
  [14, 'call', ({ world, record, more }) => record && world.call(record, more)],
  [5, 'cancel', ({ world, more }) => world.cancel(more)],
  [3, 'load', ({ world, name }) => void world.operate(() => world.supervisor.load(name))],
  [3, 'unload', ({ world, name }) => void world.operate(() => world.supervisor.unload(name))],
  [3, 'reload', ({ world, name }) => void world.operate(() => world.supervisor.reload(name))],
  [3, 'release', ({ world, name }) => void world.operate(() => world.supervisor.release(name))],
  [2, 'RELEASE', ({ record }) => record?.send({ type: 'RELEASE' })],
  [1, 'YIELD', ({ record }) => record?.send({ type: 'YIELD' })],
  [1, 'disable', ({ world, record, name }) => record && world.supervisor.disable(name)],
  [2, 'enable', ({ world, record, name }) => record && world.supervisor.enable(name)],
  [6, 'stale', ({ world, record, more }) => record && world.stale(record, more)],
  // Of the workers.
  [10, 'answer', ({ world, name, more }) => pick(world.workers.living(name), more)?.answer()],
  [2, 'fail', ({ world, name, more }) => pick(world.workers.living(name), more)?.answer(ERROR)],
  [5, 'proceed', ({ world, name }) => world.workers.living(name).forEach((worker) => worker.proceed())],
  [1, 'refuse', ({ world, name }) => world.workers.living(name).forEach((worker) => worker.fail(ERROR))],
  [3, 'bury', ({ world, name }) => world.workers.living(name).forEach((worker) => worker.bury())],
  [
    2,
    'exit',
    ({ world, name, more }) => pick(world.workers.living(name), more)?.exit({ code: choose(more, 0, 1, 1, 125) }),
  ],
  [
    1,
    'segfault',
    ({ world, name, more }) => pick(world.workers.living(name), more)?.exit({ code: null, signal: 'SIGSEGV' }),
  ],
  [1, 'spawns', ({ world, name, more }) => world.behave(name, { spawn: choose(more, 'prompt', 'late', 'refused') })],
  [
    1,
    'connects',
    ({ world, name, more }) => world.behave(name, { connect: choose(more, 'prompt', 'late', 'refused') }),
  ],
  [
    1,
    'initializes',
    ({ world, name, more }) => world.behave(name, { initialize: choose(more, 'prompt', 'late', 'refused') }),
  ],
  [
    1,
    'releases',
    ({ world, name, more }) => world.behave(name, { release: choose(more, 'prompt', 'late', 'refused', 'nothing') }),
  ],
  [1, 'cleans', ({ world, name, more }) => world.behave(name, { cleanup: choose(more, 'prompt', 'late', 'refused') })],
  [1, 'health', ({ world, name, more }) => world.behave(name, { health: choose(more, 'prompt', 'late', 'refused') })],
  [1, 'heeds', ({ world, name, more }) => world.behave(name, { heedsTerm: more % 2 === 0, heedsCancel: more % 3 > 0 })],
  [1, 'burial', ({ world, name, more }) => world.behave(name, { buried: more % 2 === 0 })],
  [4, 'good', ({ world, name }) => world.behave(name, GOOD)],
  // Of the manifests.
  [1, 'describe', ({ world, name, more }) => world.change(name, { description: `${more}` })],
  [
    1,
    'default',
    ({ world, name, more }) => world.change(name, { config_schema: { properties: { n: { default: more % 3 } } } }),
  ],
  [1, 'env', ({ world, name, more }) => world.change(name, { env_vars: { N: more } })],
  [1, 'policy', ({ world, name, more }) => world.change(name, { stop_timeout_ms: 100 + (more % 1_000) })],
  [1, 'resources', ({ world, name, more }) => world.change(name, { resources: { min_gpu_vram_mb: more % 100 } })],
  [1, 'command', ({ world, name, more }) => world.change(name, { command: more % 2 === 0 ? '' : `program-${more}` })],
  [1, 'remove', ({ world, name, more }) => world.change(name, more % 3 === 0 ? undefined : {})],
  // Of time.
  [6, 'soon', ({ world, more }) => world.clock.pass(more % 50)],
  [4, 'later', ({ world, more }) => world.clock.pass(more % 3_000)],
  [2, 'long', ({ world, more }) => world.clock.pass(more % 40_000)],
];

const WEIGHTED = DEEDS.flatMap(([weight, title, deed]) => Array.from({ length: weight }, () => ({ title, deed })));
