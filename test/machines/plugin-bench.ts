import { setImmediate as turn } from 'node:timers/promises';
import { type AnyActorRef, createActor, fromCallback, fromPromise } from 'xstate';
import type { GateEvent } from '../../src/calls/gate-event.ts';
import { LeaseGate } from '../../src/calls/lease-gate.ts';
import type { LeaseRequest, Residency } from '../../src/calls/lease-request.ts';
import type { WorkerChannel } from '../../src/channel/worker-channel.ts';
import { GreenroomError } from '../../src/errors.ts';
import { type PluginContext, type PluginEvent, pluginMachine } from '../../src/machines/plugin.ts';
import type { LaunchRequest } from '../../src/machines/worker.ts';
import type { ManifestEntry } from '../../src/manifest/read.ts';
import type { WorkerExit } from '../../src/process/worker-process.ts';
import type { SchedulerRefusal } from '../../src/scheduler/decision.ts';
import { type PluginSettings, pluginSettings } from '../../src/settings/plugin-settings.ts';
import { resolveSettings } from '../../src/settings/resolve.ts';
import { SimulatedClock } from '../simulation/clock.mjs';

export const ERROR = new GreenroomError('E_STOPPING', 'Somebody asked for it.');
export const CRASH = new GreenroomError('E_CRASHED', 'It died.');
export const OVERSIZED = new GreenroomError('E_MEMORY', 'It uses 200 MiB, more than the 100 that max_rss_mb allows.', {
  details: { memoryRssMb: 200, maxRssMb: 100 },
});
const EXIT: WorkerExit = { code: 1, signal: null, output: '', outOfMemory: false, retryable: true };

/** What a worker keeps that has released its resources. */
export const KEPT = { vramMb: 0, ramMb: 20, slots: 1 };

/** A manifest in force that was never on disk. */
export function entryOf(manifest: Record<string, unknown> = {}): ManifestEntry {
  return {
    manifest: { name: 'p', worker: 'command', command: 'program', ...manifest },
    file: '/p.json',
    folder: '/',
    searchPath: '/',
    resolved: {},
  };
}

/** Resolved once: that looks for a file of settings, and there are tens of thousands of benches. */
const SETTINGS = resolveSettings({ dataDir: '/' }, { env: {}, cwd: '/' });

export function settingsOf(entry: ManifestEntry): PluginSettings {
  return pluginSettings(entry.manifest, SETTINGS);
}

/** A call of which only the fate is of interest. */
export class Caller implements LeaseRequest {
  readonly priority: number = 0;
  readonly deadline = undefined;
  fate = 'waiting';
  at: Residency | undefined;

  start(residency: Residency): void {
    this.at = residency;
    this.fate = 'running';
  }

  refuse(error: GreenroomError): void {
    this.fate = `refused ${error.code}`;
  }

  lose(error: GreenroomError): void {
    this.at = undefined;
    this.fate = `lost ${error.code}`;
  }
}

/** What a bench makes of what it is told; the defaults are for tests that look at little. */
export interface PluginBenchParts {
  /** How a message to the scheduler or the supervisor is noted. */
  readonly describe?: (message: { readonly type: string; readonly generation?: number }) => string;
  readonly makeGate?: (announce: (event: GateEvent) => void, note: (what: string) => void) => LeaseGate;
}

const typeAndGeneration: NonNullable<PluginBenchParts['describe']> = ({ type, generation }) =>
  generation === undefined ? type : `${type} ${generation}`;

/** Whose actors are asked. */
const BENCHES = new WeakMap<AnyActorRef['system'], PluginBench>();

const ask = fromPromise<unknown>(({ system }) => BENCHES.get(system)?.ask() ?? Promise.reject(ERROR));

/** Made once: to provide the machine with its actors takes as long as a walk of many steps. */
const MACHINE = pluginMachine.provide({
  actors: {
    worker: fromCallback<{ type: string }, { generation: number }>(({ input, receive, system }) => {
      const told = BENCHES.get(system)?.told;
      told?.push(`worker ${input.generation} start`);
      receive(({ type }) => BENCHES.get(system)?.told.push(`worker ${input.generation} ${type}`));
    }) as never,
    release: ask as never,
    resume: ask as never,
  },
});

/** One plugin machine; scheduler, supervisor, workers and their answers are played by the test. */
export class PluginBench {
  readonly clock = new SimulatedClock();
  readonly gate: LeaseGate;
  readonly callers: Caller[] = [];
  /** What the scheduler and the supervisor were told, and the workers: "ACQUIRE 1", "PLUGIN.CRASHED", "worker 1 STOP". */
  told: string[] = [];
  /** The states and phases that were entered. */
  readonly path: string[] = [];
  readonly replacements: string[] = [];
  readonly reconfigured: number[] = [];
  /** Hears of each request for memory. */
  onAcquire: (request: { readonly generation: number; readonly deadline?: number }) => void = () => {};
  readonly actor;
  #answer: { resolve(value: unknown): void; reject(error: Error): void } | undefined;
  readonly #stubs: { stop(): unknown }[] = [];

  constructor(manifest: Record<string, unknown> = {}, parts: PluginBenchParts = {}) {
    const { describe = typeAndGeneration, makeGate = (announce) => new LeaseGate('p', announce) } = parts;
    this.gate = makeGate(
      (event) => this.send(event),
      (what) => void this.told.push(what),
    );
    const entry = entryOf(manifest);
    this.actor = createActor(MACHINE, {
      clock: this.clock,
      input: {
        entry,
        settings: settingsOf(entry),
        gate: this.gate,
        host: {
          tellLeases: () => {},
          plan: () => ({}) as LaunchRequest,
          need: ({ settings }) => settings.need,
          clock: this.clock,
          entered: (_context, state, phase) => void this.path.push(`${state}.${phase}`),
          growthStopped: (_context, error) => void this.told.push(`growth stopped ${error.code}`),
          lost: (_context, generation, error) => void this.told.push(`lost ${generation} ${error.code}`),
          replaced: (_context, error) => void this.replacements.push(error === undefined ? 'done' : error.code),
          reconfigure: ({ generation }) => void this.reconfigured.push(generation),
        },
        scheduler: this.#stub(describe),
        supervisor: this.#stub(describe),
      },
    });
    BENCHES.set(this.actor.system, this);
    this.actor.start();
  }

  /** A release or a resume is asked for, until {@link settle}. */
  ask(): Promise<never> {
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject };
    });
  }

  #stub(describe: NonNullable<PluginBenchParts['describe']>): AnyActorRef {
    const logic = fromCallback<{ type: string; generation: number; deadline?: number }>(({ receive }) =>
      receive((message) => {
        this.told.push(describe(message));
        if (message.type === 'ACQUIRE') this.onAcquire(message);
      }),
    );
    const stub = createActor(logic).start();
    this.#stubs.push(stub);
    return stub;
  }

  /** The generation that the scheduler has been asked about and has not answered. */
  get asked(): number | undefined {
    const { context, replacement, at } = this;
    if (replacement === 'asking') return context.replacement;
    if (at !== 'spawning.admitting') return undefined;
    const warm = context.workers.find(({ generation }) => generation === context.current);
    if (warm === undefined && context.workers.length > 0) return undefined;
    return warm?.generation ?? context.generation;
  }

  /** Whether a release or a resume awaits its answer. */
  get answerable(): boolean {
    return this.at === 'spawning.resuming' || (this.at === 'released.releasing' && this.context.current !== undefined);
  }

  get context(): PluginContext {
    return this.actor.getSnapshot().context;
  }

  /** The state and phase, or `removed`. */
  get at(): string {
    return this.actor.getSnapshot().status === 'done' ? 'removed' : (this.path.at(-1) ?? '');
  }

  get replacement(): string {
    const { value } = this.actor.getSnapshot() as { value: { alive?: { replacement: string } } | 'removed' };
    return value === 'removed' ? 'removed' : (value.alive?.replacement ?? '');
  }

  send(event: PluginEvent): void {
    if (this.actor.getSnapshot().status === 'active') this.actor.send(event);
  }

  /** A call comes. */
  call(): Caller {
    const caller = new Caller();
    this.callers.push(caller);
    this.gate.enter(caller);
    return caller;
  }

  /** The oldest call that waits is cancelled. */
  leave(): void {
    const caller = this.callers.find(({ fate }) => fate === 'waiting');
    if (caller === undefined) return;
    caller.fate = 'cancelled';
    this.gate.withdraw(caller);
  }

  /** The oldest call that runs has its answer; of a generation if one is given. */
  async answer(generation?: number): Promise<void> {
    const caller = this.callers.find(({ at }) => at !== undefined && (generation ?? at.generation) === at.generation);
    if (caller?.at === undefined) return;
    const { at } = caller;
    caller.at = undefined;
    caller.fate = 'answered';
    this.gate.leave(at, caller);
    // An open gate tells of its last lease at the end of the turn.
    await turn();
  }

  /** The release or the resume that was asked for is answered. */
  async settle(value: unknown): Promise<void> {
    if (value instanceof Error) this.#answer?.reject(value);
    else this.#answer?.resolve(value);
    await turn();
  }

  granted(generation = this.context.generation): void {
    this.send({ type: 'GRANTED', generation });
  }

  refused(generation = this.context.generation, reason = 'never-fits'): void {
    const nothing = { vramMb: 0, ramMb: 0, slots: 0 };
    const error: SchedulerRefusal = {
      plugin: 'p',
      policy: 'queue',
      reason,
      asked: nothing,
      free: nothing,
      waitingFor: [],
    };
    this.send({ type: 'REFUSED', generation, error });
  }

  installing(generation = this.context.generation): void {
    this.send({ type: 'WORKER.INSTALLING', generation });
  }

  installed(generation = this.context.generation): void {
    this.send({ type: 'WORKER.INSTALLED', generation });
  }

  connected(generation = this.context.generation): void {
    this.send({ type: 'WORKER.CONNECTED', generation });
  }

  ready(generation = this.context.generation): void {
    const connection = { channel: {} as WorkerChannel, concurrency: 1 };
    this.send({ type: 'WORKER.READY', generation, connection, config: {} });
  }

  failed(generation = this.context.generation): void {
    this.send({ type: 'WORKER.FAILED', generation, error: CRASH, retryable: true });
  }

  /** A worker that was not ready is ended by a signal that nobody here has sent. */
  killed(generation = this.context.generation): void {
    const exit: WorkerExit = { ...EXIT, code: null, signal: 'SIGKILL' };
    this.send({ type: 'WORKER.FAILED', generation, error: CRASH, retryable: true, exit });
  }

  exited(generation = this.context.generation, signal: NodeJS.Signals | null = null): void {
    const exit = signal === null ? EXIT : { ...EXIT, code: null, signal };
    this.send({ type: 'WORKER.EXITED', generation, exit, error: CRASH });
  }

  hung(generation = this.context.generation): void {
    this.send({ type: 'WORKER.HUNG', generation, error: CRASH });
  }

  /** A worker is over its memory limit, and was within it for so long after it was ready. */
  oversized(generation = this.context.generation, withinMs = 0): void {
    this.send({ type: 'WORKER.OVERSIZED', generation, error: OVERSIZED, withinMs });
  }

  gone(generation = this.context.generation): void {
    this.send({ type: 'WORKER.GONE', generation });
  }

  stop(): void {
    this.actor.stop();
    for (const stub of this.#stubs) stub.stop();
  }
}

type Step = (bench: PluginBench) => unknown;

export type Place =
  | 'discovered.idle'
  | 'spawning.admitting'
  | 'spawning.installing'
  | 'spawning.launching'
  | 'spawning.initializing'
  | 'busy.serving'
  | 'ready.ready'
  | 'busy.draining'
  | 'released.releasing'
  | 'released.warm'
  | 'released.cold'
  | 'spawning.resuming'
  | 'discovered.stopping'
  | 'crashed.deciding'
  | 'crashed.backoff'
  | 'crashed.failed';

/** Ways to a state, from the start. */
export const WAYS: Readonly<Record<Place, readonly Step[]>> = {
  'discovered.idle': [],
  'spawning.admitting': [(b) => b.call()],
  'spawning.installing': [(b) => to(b, 'spawning.launching'), (b) => b.installing()],
  'spawning.launching': [(b) => b.call(), (b) => b.granted()],
  'spawning.initializing': [(b) => b.call(), (b) => b.granted(), (b) => b.connected()],
  'busy.serving': [(b) => b.call(), (b) => b.granted(), (b) => b.connected(), (b) => b.ready()],
  'ready.ready': [(b) => b.send({ type: 'LOAD' }), (b) => b.granted(), (b) => b.connected(), (b) => b.ready()],
  'busy.draining': [(b) => to(b, 'busy.serving'), (b) => b.send({ type: 'YIELD' })],
  'released.releasing': [(b) => to(b, 'ready.ready'), (b) => b.send({ type: 'RELEASE' })],
  'released.warm': [(b) => to(b, 'released.releasing'), (b) => b.settle(KEPT)],
  'released.cold': [(b) => to(b, 'released.releasing'), (b) => b.settle(undefined), (b) => b.exited(), (b) => b.gone()],
  'spawning.resuming': [(b) => to(b, 'released.warm'), (b) => b.call(), (b) => b.granted()],
  'discovered.stopping': [(b) => to(b, 'ready.ready'), (b) => b.send({ type: 'UNLOAD', error: ERROR })],
  'crashed.deciding': [(b) => to(b, 'busy.serving'), (b) => b.exited()],
  'crashed.backoff': [(b) => to(b, 'crashed.deciding'), (b) => b.send({ type: 'RESTART', delayMs: 100 })],
  'crashed.failed': [(b) => to(b, 'crashed.deciding'), (b) => b.send({ type: 'GIVE_UP', error: ERROR })],
};

/** Brings a fresh plugin to a state. */
export async function to(bench: PluginBench, place: Place): Promise<void> {
  for (const step of WAYS[place]) await step(bench);
}
