// Longer than others because a world is one thing: what happens in it and what must hold are checked together after each event.

import { getEventListeners } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { pino } from 'pino';
import type { SnapshotFrom } from 'xstate';
import { Call } from '../../src/calls/call.ts';
import { nextCallId } from '../../src/calls/call-id.ts';
import { GreenroomError } from '../../src/errors.ts';
import { instanceCount, outdatedInstance } from '../../src/machines/plugin/siblings.ts';
import type { PluginContext, PluginEvent } from '../../src/machines/plugin.ts';
import type { schedulerMachine } from '../../src/machines/scheduler.ts';
import { PATIENCE_MS } from '../../src/manifest/patience.ts';
import type { MachineReader } from '../../src/measure/system-monitor.ts';
import type { PluginRecord } from '../../src/runtime/plugin-record.ts';
import { Runtime } from '../../src/runtime/runtime.ts';
import { Supervisor } from '../../src/runtime/supervisor.ts';
import type { Reservation } from '../../src/scheduler/reservation.ts';
import { residentKey } from '../../src/scheduler/resident-key.ts';
import { resolveSettings } from '../../src/settings/resolve.ts';
import { SimulatedClock } from './clock.mjs';
import { type FakeInput, type FakeWorker, FakeWorkers, GOOD, type Manner } from './fake-workers.ts';
import { randomFrom } from './random.mjs';

/** Every place where a plugin can be. */
export const PHASES = [
  'discovered.idle',
  'discovered.stopping',
  'spawning.admitting',
  'spawning.launching',
  'spawning.initializing',
  'spawning.resuming',
  'ready.ready',
  'busy.serving',
  'busy.draining',
  'released.releasing',
  'released.warm',
  'released.cold',
  'crashed.deciding',
  'crashed.backoff',
  'crashed.failed',
];

const RESTS = ['discovered.idle', 'ready.ready', 'released.warm', 'released.cold', 'crashed.failed'];
const MAX_WAITING = 120;
/** How much of what was done last is remembered. */
const STORY = 60;

/** Three plugins that differ in what matters. */
const THREE: Manifests = {
  a: { max_concurrency: 2, max_rss_mb: 500 },
  b: { idempotent: true, restart: { policy: 'permanent' }, drain_timeout_ms: 1_000 },
  c: { cancel_grace_ms: 500, start_timeout_ms: 2_000, liveness: { interval_ms: 1_000 } },
};

/** How many instances a plugin may have, as its manifest says it; all that is said of time is short. */
export const INSTANCES = [
  1,
  2,
  3,
  { min: 1, max: 2, grow_after_ms: 10, idle_ms: 2_000 },
  { min: 1, max: 3, grow_after_ms: 300, idle_ms: 5_000 },
  { min: 2, max: 3, grow_after_ms: 20, idle_ms: 1_000 },
  { min: 0, max: 3, grow_after_ms: 0, idle_ms: 3_000 },
] as const;

/** The same three plugins with so many instances each. */
export const threeWith = (a: Instances, b: Instances, c: Instances): Manifests => ({
  a: { ...THREE['a'], instances: a },
  b: { ...THREE['b'], instances: b },
  c: { ...THREE['c'], instances: c },
});

/** A machine with memory enough, which says so a little later than it is asked, as a real one does. */
const MACHINE: MachineReader = {
  memory: () => ({ totalMb: 64_000, availableMb: 48_000, machineTotalMb: 64_000, group: undefined }),
  gpus: { gpus: () => Promise.resolve([]), processes: () => Promise.resolve([]) },
  trees: async () => {
    await turn();
    return new Map();
  },
};

/** What they need of GPUs, where there are some. */
const ON_GPUS: Manifests = {
  a: { resources: { min_gpu_vram_mb: 50 } },
  b: { resources: { min_gpu_vram_mb: 120, gpus: 2 } },
  c: { resources: { min_gpu_vram_mb: 60 } },
};

/** Manifests by the names of their plugins, without what all have. */
export type Manifests = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

type Instances = (typeof INSTANCES)[number];

/** What a world is made of. */
export interface WorldOptions {
  readonly manifests?: Manifests | undefined;
  /** Where the supervisor's chance begins. */
  readonly seed?: number | undefined;
  /** How many changes of manifests come before they are discovered. */
  readonly changesAtOnce?: number | undefined;
  /** How many workers may run at once; no limit by default. */
  readonly slots?: number | undefined;
  /** Memory of each GPU, of which each plugin needs what {@link ON_GPUS} says; by default nothing is placed. */
  readonly gpus?: Readonly<Record<string, number>> | undefined;
}

/** A call as its caller sees it. */
interface Caller {
  readonly plugin: string;
  readonly controller: AbortController;
  readonly timeoutMs: number | undefined;
  /** When that has passed, by the monotonic clock. */
  readonly due: number;
  readonly value: number;
  /** Fires where the call has no outcome at its deadline. */
  late: unknown;
  outcomes: number;
}

/** One of the list, by any number. */
export const pick = <T>(list: readonly T[], n: number): T | undefined => list[n % list.length];
/** The same, where there is one. */
export const choose = <T>(n: number, first: T, ...others: T[]): T => [first, ...others][n % (others.length + 1)] as T;

/**
 * The real supervisor, with fake workers and a clock that is turned by hand; checks the invariants as it goes.
 *
 * Three others simulate less, on purpose: `test/machines/plugin-bench.ts` is one plugin machine, whose every event a test
 * sends; `test/scheduler/checked-scheduler.ts` is the scheduler among plugins that do all that the protocol between them
 * allows, not only what the plugin machine does; `bench/simulate/` replays a million calls, for which this is too slow.
 */
export class World {
  readonly clock = new SimulatedClock();
  readonly names: readonly string[];
  readonly workers: FakeWorkers;
  readonly runtime: Runtime;
  readonly supervisor: Supervisor;
  /** Every state and phase that some plugin was in. */
  readonly seen = new Set<string>();
  /** Calls that were begun, that had a result, and that had an error, by its code. */
  readonly tally = { calls: 0, results: 0, errors: new Map<string, number>() };
  /** What was done and what came of it. */
  readonly #story: string[] = [];
  readonly #callers = new Set<Caller>();
  /** Those whose call has ended since the last rest. */
  #ended: Caller[] = [];
  #pendingOperations = 0;
  /** Timers of the world itself. */
  #ownTimers = 0;
  readonly #folder = mkdtempSync(join(tmpdir(), 'gr-world-'));
  readonly #manifests = new Map<string, Record<string, unknown>>();
  readonly #manners = new Map<string, Manner>();
  /** Thrown by `check`: a throw inside a machine would only end the machine. */
  readonly #violations: string[] = [];
  /** The plugins that have had several instances, of which more may be on their way out than one. */
  readonly #several = new Set<string>();
  /** The plugins of which something has happened since the last check. */
  readonly #touched = new Set<string>();
  #checks = 0;
  #writes = 0;
  #undiscovered = 0;
  readonly #changesAtOnce: number;
  readonly #isPlaced: boolean;
  /** Whether not everything fits at once. */
  readonly #isLimited: boolean;

  static async open(options: WorldOptions = {}): Promise<World> {
    const world = new World(options);
    await world.runtime.start();
    return world;
  }

  /** Opens a world, has things happen in it, and closes it. An error says what was done last. */
  static async run(options: WorldOptions, happen: (world: World) => Promise<void>): Promise<World> {
    const world = await World.open(options);
    try {
      await happen(world);
    } catch (error) {
      const from = options.seed === undefined ? '' : `seed ${options.seed}: `;
      throw new Error(`${from}${String(error)}, after:\n${world.story}`, { cause: error });
    } finally {
      world.close();
    }
    return world;
  }

  private constructor({ manifests = THREE, seed = 1, changesAtOnce = 1, slots, gpus }: WorldOptions) {
    this.names = Object.keys(manifests);
    this.#changesAtOnce = changesAtOnce;
    this.#isPlaced = gpus !== undefined;
    this.#isLimited = slots !== undefined || gpus !== undefined;
    mkdirSync(join(this.#folder, 'plugins'));
    const settings = resolveSettings(
      {
        searchPaths: [join(this.#folder, 'plugins')],
        dataDir: this.#folder,
        watch: false,
        maxWaiting: MAX_WAITING,
        capacity: { slots, gpus },
      },
      { env: {}, cwd: this.#folder },
    );
    this.workers = new FakeWorkers({
      mannerOf: (plugin) => this.#manners.get(plugin) ?? GOOD,
      asked: (worker, what) => this.#asked(worker, what),
      later: (fn, ms) => this.later(fn, ms),
    });
    const { spawn, connect, sampler } = this.workers;
    this.runtime = new Runtime(settings, {
      clock: this.clock,
      random: randomFrom(seed),
      logger: pino({ level: 'silent' }),
      spawn,
      connect,
      sampler,
      memoryOf: () => Promise.resolve(undefined),
      machine: MACHINE,
    });
    this.supervisor = new Supervisor(this.runtime, settings);
    this.runtime.transitions.add(({ plugin, to, phase, event }) => {
      this.seen.add(`${to}.${phase}`);
      this.#touched.add(plugin);
      this.#tellStory(`  ${plugin} -> ${to}.${phase} by ${event}`);
    });
    for (const [name, manifest] of Object.entries(manifests))
      this.#write(name, gpus === undefined ? manifest : { ...manifest, ...ON_GPUS[name] });
  }

  /** Something is about to be done to a plugin. */
  note(what: string, plugin: string): void {
    this.#touched.add(plugin);
    this.#tellStory(what);
  }

  #tellStory(what: string): void {
    this.#story.push(what);
    if (this.#story.length > 2 * STORY) this.#story.splice(0, STORY);
  }

  /** An invariant does not hold; the next check throws. */
  violation(what: string): void {
    this.#violations.push(what);
  }

  /** Does something after so many simulated milliseconds. */
  later(fn: () => void, ms: number): void {
    this.#ownTimers += 1;
    this.clock.setTimeout(() => {
      this.#ownTimers -= 1;
      fn();
    }, ms);
  }

  /** Lets everything happen that needs no time. */
  async rest(): Promise<void> {
    await turn();
    await turn();
    for (const { plugin, controller } of this.#ended) {
      if (getEventListeners(controller.signal, 'abort').length > 0)
        this.violation(`a call of ${plugin} that has ended still listens to its signal`);
    }
    this.#ended = [];
    this.check();
  }

  /** Begins a call that ends in one of many ways. */
  call(record: PluginRecord, n: number): void {
    const { plugin } = record;
    const timeoutMs = choose(n, undefined, undefined, 50, 3_000, 60_000);
    const path = n % 7 === 0 ? 'stream' : 'execute';
    const controller = new AbortController();
    const { tally } = this;
    tally.calls += 1;
    const due = this.clock.monotonic() + (timeoutMs ?? Infinity);
    const caller: Caller = { plugin, controller, timeoutMs, due, value: tally.calls, late: undefined, outcomes: 0 };
    const input: FakeInput = { value: caller.value, ms: choose(n % 11, undefined, 1, 20, 400, 6_000) };
    const chunks: unknown[] = [];
    const call = new Call(
      record,
      path,
      nextCallId(),
      { args: '[]', kwargs: JSON.stringify(input), bytes: [] },
      { signal: controller.signal, timeoutMs, priority: n % 3 },
      {
        onChunk: (chunk) => chunks.push(chunk),
        onResult: (result) => {
          tally.results += 1;
          const own: unknown = path === 'stream' ? chunks.join() : result;
          if (String(own) !== String(caller.value)) this.violation(`a call of ${plugin} has another's result`);
          this.#end(caller);
        },
        onError: (error) => {
          tally.errors.set(error.code, (tally.errors.get(error.code) ?? 0) + 1);
          const unfair = this.#unfair(caller, error.code, record);
          if (unfair !== undefined) this.violation(`a call of ${plugin} has ${error.code}, ${unfair}`);
          this.#end(caller);
        },
      },
    );
    this.#callers.add(caller);
    if (timeoutMs !== undefined) {
      const late = (): void => this.violation(`a call of ${plugin} has no outcome at its deadline`);
      caller.late = this.clock.setTimeout(late, timeoutMs);
    }
    call.begin();
  }

  #end(caller: Caller): void {
    caller.outcomes += 1;
    if (caller.outcomes > 1) this.violation(`a call of ${caller.plugin} has ${caller.outcomes} outcomes`);
    if (caller.late !== undefined) this.clock.clearTimeout(caller.late);
    this.#callers.delete(caller);
    this.#ended.push(caller);
  }

  /** Why a call should not have ended with this error. */
  #unfair({ controller, due }: Caller, code: string, { gate }: PluginRecord): string | undefined {
    switch (code) {
      case 'E_CANCELLED':
        return controller.signal.aborted ? undefined : 'and nobody has cancelled it';
      case 'E_TIMEOUT':
        return this.clock.monotonic() < due ? 'and its time is not over' : undefined;
      case 'E_QUEUE_FULL':
        return gate.waiting < MAX_WAITING ? `and ${gate.waiting} wait` : undefined;
      case 'E_REFUSED':
      case 'E_UNSUPPORTED':
      case 'E_PROTOCOL':
        return 'for which there is no reason';
      default:
        return undefined;
    }
  }

  /** A hundred calls at the same time; where there is no worker yet, they start one. */
  async burst(record: PluginRecord, n: number): Promise<void> {
    const { plugin } = record;
    const isFirst = record.context.workers.length === 0;
    const before = this.workers.spawned(plugin);
    for (let index = 0; index < 100; index += 1) this.call(record, n + index);
    await turn();
    await turn();
    const started = this.workers.spawned(plugin) - before;
    const most = record.context.settings.instances.max;
    if (isFirst && started > most) this.violation(`${started} workers of ${plugin} were started by its first calls`);
  }

  cancel(n: number): void {
    pick([...this.#callers], n)?.controller.abort();
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
    this.#undiscovered += 1;
    if (this.#undiscovered >= this.#changesAtOnce) await this.#discover();
  }

  async #discover(): Promise<void> {
    this.#undiscovered = 0;
    const discovery = { isDone: false };
    const done = this.runtime.rediscover().finally(() => (discovery.isDone = true));
    // A manifest that is gone counts only after a time, which passes here by hand.
    for (let turns = 0; !discovery.isDone; turns += 1) {
      await turn();
      if (!discovery.isDone && turns > 5) await this.clock.advance(PATIENCE_MS);
    }
    await done;
  }

  #write(name: string, manifest: Record<string, unknown>): void {
    this.#manifests.set(name, manifest);
    if ((manifest['instances'] ?? 1) !== 1) this.#several.add(name);
    const file = join(this.#folder, 'plugins', `${name}.json`);
    // Some file systems write through what is truncated, which takes much longer than a new file.
    rmSync(file, { force: true });
    writeFileSync(file, JSON.stringify({ name, command: 'program', ...manifest }));
    // A file that has only just been written is read at every discovery; no two contents have the same time.
    this.#writes += 1;
    utimesSync(file, this.#writes, this.#writes);
  }

  /** An event of a generation that is not held must change nothing. */
  stale(record: PluginRecord, n: number): void {
    const before = record.actor.getSnapshot();
    if (before.status !== 'active') return;
    const { workers, generation, replacement, asked } = before.context;
    const held = new Set([...workers.map((slot) => slot.generation), generation, replacement, asked]);
    const old = [n % 5, n % 11, generation - 1, generation + 7].find((number) => !held.has(number));
    if (old === undefined) return;
    const event = staleEvent(n, old);
    const heldBefore = this.#heldBy(record);
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
    if (this.#heldBy(record) !== heldBefore) throw new Error(`${event.type} changed the ledger`);
  }

  #heldBy(record: PluginRecord): string {
    return this.#ledgerOf(record)
      .map(({ generation }) => generation)
      .join();
  }

  #ledgerOf(record: PluginRecord): readonly Reservation[] {
    const scheduler = record.context.scheduler.getSnapshot() as SnapshotFrom<typeof schedulerMachine>;
    return scheduler.context.admission.ledger.of(residentKey(record));
  }

  /** What is asked of a worker is looked at as it is asked. */
  #asked(worker: FakeWorker, what: string): void {
    const { plugin, generation } = worker;
    const record = this.runtime.records.get(plugin);
    const title = `${plugin}#${generation}`;
    switch (what) {
      case 'spawn': {
        if (record !== undefined) this.#checkStart(record, generation);
        return;
      }
      case 'call':
        if (worker.calls.size >= worker.concurrency) this.violation(`${title} has too many calls`);
        return;
      case 'SIGKILL':
        return;
      default: {
        const slot = record?.context.workers.find((held) => held.generation === generation);
        const leases = slot?.residency?.leases.size ?? 0;
        if (leases > 0) this.violation(`${title} is told ${what} with ${leases} leases out`);
      }
    }
  }

  /** A worker is about to start: beside those that are to stay there must be room for it. */
  #checkStart(record: PluginRecord, generation: number): void {
    const { plugin, state, context } = record;
    const title = `${plugin}#${generation}`;
    const serves = state === 'ready' || state === 'busy';
    if (this.#several.has(plugin)) {
      const others = staying(context).filter((worker) => worker.generation !== generation).length;
      // The one that is to replace another is not an instance yet.
      const most = context.settings.instances.max - 1 + (context.replacement === undefined ? 0 : 1);
      if (others > most) this.violation(`${title} starts beside ${others} others in ${state}`);
      return;
    }
    const others = this.workers.living(plugin).length;
    if (others > (serves ? 1 : 0)) this.violation(`${title} starts beside ${others} others in ${state}`);
  }

  /**
   * Throws if an invariant does not hold: for each plugin of which something has happened, and for all of them once in
   * as many checks as spreads the work evenly.
   */
  check(): void {
    if (this.#violations.length > 0) throw new Error(this.#violations.join('; '));
    this.#checks += 1;
    if (this.#checks % Math.ceil(this.names.length / 3) === 0) return this.checkAll();
    const { records } = this.runtime;
    for (const plugin of this.#touched) {
      const record = records.get(plugin);
      if (record !== undefined) this.#checkPlugin(record);
    }
    this.#touched.clear();
  }

  /** The same for all plugins, and what concerns all together. */
  checkAll(): void {
    const { records, state } = this.runtime;
    if (this.#violations.length > 0) throw new Error(this.#violations.join('; '));
    if (state !== 'running' && state !== 'draining' && state !== 'stopped')
      throw new Error(`the supervisor is ${state}`);
    for (const record of records.values()) this.#checkPlugin(record);
    const living = new Set(this.workers.living().map((worker) => worker.plugin));
    for (const plugin of living) if (!records.has(plugin)) throw new Error(`${plugin} is gone and has a worker`);
    this.#touched.clear();
  }

  #checkPlugin(record: PluginRecord): void {
    const { plugin, gate } = record;
    const snapshot = record.actor.getSnapshot();
    if (snapshot.status === 'error') throw snapshot.error;
    if (snapshot.status !== 'active') return;
    const { workers, generation, replacement, asked } = snapshot.context;
    const living = this.workers.living(plugin);
    if (!this.#several.has(plugin) && living.length > 2) throw new Error(`${plugin} has ${living.length} workers`);
    const held = workers.map((slot) => slot.generation);
    const alive = living.map((worker) => worker.generation);
    if (held.length !== alive.length || held.some((one) => !alive.includes(one)))
      throw new Error(`${plugin} holds ${held.join()}, and ${alive.join()} live`);
    const reservations = this.#ledgerOf(record);
    const ledger = reservations.map((reservation) => reservation.generation);
    const mayBe = new Set([...held, generation, replacement, asked]);
    if (held.some((one) => !ledger.includes(one)) || ledger.some((one) => !mayBe.has(one)))
      throw new Error(`the ledger of ${plugin} holds ${ledger.join()}, it holds ${held.join()} of ${generation}`);
    for (const worker of living) {
      const placed = reservations.find((reservation) => reservation.generation === worker.generation)?.gpus?.join();
      if (this.#isPlaced && worker.devices !== placed)
        throw new Error(`${plugin} runs on ${worker.devices}, and is placed on ${placed}`);
    }
    const leases = workers.reduce((sum, slot) => sum + (slot.residency?.leases.size ?? 0), 0);
    if (gate.leases !== leases) throw new Error(`${plugin} counts ${gate.leases} leases, its workers ${leases}`);
    this.#checkInstances(record, snapshot.context);
    if (gate.waiting > MAX_WAITING) throw new Error(`${gate.waiting} wait for ${plugin}`);
  }

  /** Of several instances those serve that are to stay, and no more of them stay than there may be. */
  #checkInstances({ plugin, gate, state, phase }: PluginRecord, context: PluginContext): void {
    const { current, replacement, siblings, settings } = context;
    const others = staying(context).filter(({ generation }) => generation !== replacement);
    if (others.length > settings.instances.max)
      throw new Error(`${plugin} has ${others.length} instances, and may have ${settings.instances.max}`);
    const isServing = state === 'ready' || (state === 'busy' && phase === 'serving');
    if (!isServing) return;
    const serving = gate.serving.map(({ generation }) => generation).toSorted((a, b) => a - b);
    const ready = context.workers
      .filter(({ generation, residency, leaving }) => {
        const isInstance = generation === current || siblings.includes(generation);
        return isInstance && residency !== undefined && leaving === undefined;
      })
      .map(({ generation }) => generation)
      .toSorted((a, b) => a - b);
    if (serving.join() !== ready.join())
      throw new Error(`calls of ${plugin} go to ${serving.join()}, and ${ready.join()} are ready for them`);
  }

  /** Ends all faults, lets everything run out, and throws if that does not lead to rest. */
  async settle(): Promise<void> {
    for (const name of this.names) this.#manners.set(name, GOOD);
    for (let round = 0; ; round += 1) {
      for (const worker of this.workers.living()) worker.recover();
      await this.rest();
      this.checkAll();
      const unrest = this.#unrest();
      if (unrest === undefined) return;
      if (round > 60) throw new Error(unrest);
      await this.clock.advance(7_000);
    }
  }

  /** Why it is not at rest. */
  #unrest(): string | undefined {
    for (const record of this.runtime.records.values()) {
      const { plugin, state, phase, gate, replacing } = record;
      const place = `${state}.${phase}`;
      if (!RESTS.includes(place)) return `${plugin} does not come to rest, it is ${place}`;
      // A warm worker that was told to go may take its time.
      if (phase === 'warm' && record.context.current === undefined) return `the worker of ${plugin} does not end`;
      if (replacing) return `the replacement of ${plugin} does not end`;
      const unfinished = this.#unfinished(record);
      if (unfinished !== undefined) return `${plugin} ${unfinished}`;
      if (gate.waiting > 0 || gate.leases > 0)
        return `${plugin} rests in ${place} with ${gate.waiting} waiting and ${gate.leases} leases`;
    }
    if (this.#callers.size > 0) return `${this.#callers.size} calls have no outcome`;
    return this.#pendingOperations > 0 ? `${this.#pendingOperations} operations do not end` : undefined;
  }

  /** What of its instances is still to come, although nothing happens any more and capacity is not to be waited for. */
  #unfinished({ state, context }: PluginRecord): string | undefined {
    const { growth, asked, settings, workers, enabled } = context;
    const { min } = settings.instances;
    if (state !== 'ready') return workers.length > 1 ? `has ${workers.length} workers in ${state}` : undefined;
    const count = instanceCount(context);
    if (workers.length !== count) return `has ${workers.length} workers, ${count} of them instances`;
    if (outdatedInstance(context) !== undefined) return 'does not replace all its instances';
    if (count > Math.max(min, 1)) return `keeps ${count} instances without calls, and ${min} would do`;
    if (this.#isLimited) return undefined;
    if (asked !== undefined) return 'gets no answer about a further instance';
    if (growth === 'waiting') return 'waits for ever before it grows again';
    const mayGrow = enabled && growth === 'free';
    return mayGrow && count < min ? `has ${count} instances, and is to have ${min}` : undefined;
  }

  /** From wherever it rests, every plugin can be loaded, called and unloaded. */
  async revive(): Promise<void> {
    const { names, supervisor } = this;
    for (const name of names) {
      const manifest = this.#manifests.get(name);
      if (manifest === undefined || 'command' in manifest) this.#write(name, { ...manifest, command: 'program' });
    }
    await this.#discover();
    for (const name of names) supervisor.enable(name);
    await Promise.all(names.map((name) => supervisor.load(name)));
    let isServed = false;
    const called = Promise.all(names.map((name) => supervisor.execute<string>(name, { value: name })));
    void called.finally(() => {
      isServed = true;
    });
    const allServed = (): boolean => isServed;
    // Where the capacity is too small for all, one is served after the other.
    for (let round = 0; !allServed(); round += 1) {
      if (round > names.length) throw new Error('not every plugin is served');
      await this.rest();
      for (const worker of this.workers.living()) worker.answer();
      await this.rest();
    }
    const results = await called;
    if (results.join() !== names.join()) throw new Error(`the results are those of others: ${results.join()}`);
    await Promise.all(names.map((name) => supervisor.unload(name)));
    await this.rest();
    this.checkAll();
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
    const timers = this.clock.pending - this.#ownTimers;
    if (timers > 0) throw new Error(`${timers} timers are left`);
    if (this.workers.living().length > 0) throw new Error('workers are left');
    if (this.#callers.size > 0) throw new Error(`${this.#callers.size} calls are left`);
    if (this.#pendingOperations > 0) throw new Error(`${this.#pendingOperations} operations are left`);
    if (this.runtime.records.size > 0) throw new Error('plugins are left');
    const { all } = this.workers;
    if (all.some((worker) => !worker.exited)) throw new Error('a worker has not exited');
  }

  /** The last things that were done, and what came of them. */
  get story(): string {
    return this.#story.slice(-STORY).join('\n');
  }

  /** To be called whatever has happened. */
  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The workers that are not on their way out. */
function staying({ workers, current, replacement, siblings }: PluginContext): PluginContext['workers'] {
  const instances = new Set([current, replacement, ...siblings]);
  return workers.filter(({ generation, leaving }) => instances.has(generation) && leaving === undefined);
}

function sameSlot(a: unknown, b: unknown): boolean {
  const [one, other] = [a, b] as Record<string, unknown>[];
  return ['generation', 'ref', 'pid', 'residency'].every((key) => one?.[key] === other?.[key]);
}

/** What workers answer when they are told to fail. */
export const ERROR = new GreenroomError('E_STOPPING', 'Somebody asked for it.');
const EXIT = { code: 1, signal: null, output: '', outOfMemory: false, retryable: true } as const;

function staleEvent(n: number, generation: number): PluginEvent {
  const details = { memoryRssMb: 200, maxRssMb: 100 };
  const oversized = new GreenroomError('E_MEMORY', 'It is too large.', { details });
  const events: PluginEvent[] = [
    { type: 'WORKER.SPAWNED', generation, pid: 1 },
    { type: 'WORKER.CONNECTED', generation },
    { type: 'WORKER.FAILED', generation, error: ERROR, retryable: true },
    { type: 'WORKER.HUNG', generation, error: ERROR },
    { type: 'WORKER.OVERSIZED', generation, error: oversized, withinMs: 0 },
    { type: 'WORKER.EXITED', generation, exit: EXIT, error: ERROR },
    { type: 'WORKER.GONE', generation },
    { type: 'GRANTED', generation },
    { type: 'STUCK', generation },
    { type: 'DRAINED', generation },
    { type: 'RELEASE', generation, further: true },
    { type: 'YIELD', generation },
    { type: 'RETIRED.LATE', generation },
    { type: 'INSTANCE.UNFIT', generation },
  ];
  return events[n % events.length] as PluginEvent;
}
