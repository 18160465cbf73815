import type { PluginContext } from '../../machines/plugin.ts';
import type { SchedulerContext } from '../../machines/scheduler.ts';
import type { WorkerContext } from '../../machines/worker.ts';
import type { PluginRecord } from '../../runtime/plugin-record.ts';
import type { Ledger } from '../../scheduler/ledger.ts';
import { type Clock, wallTime } from '../../time/clock.ts';
import type { Redactor } from '../redaction/redaction.ts';
import { concealConfig, secretsOfManifest } from '../redaction/secrets.ts';
import type { Json, PluginSnapshot } from '../wire.ts';

/** What is shown of one of several instances beside what its machine remembers. */
export interface InstanceFacts {
  /** Calls at it. */
  readonly inFlight: number | undefined;
  /** What its process tree took when it was last measured. */
  readonly memoryMb: number | undefined;
}

/** What is shown of an actor's context; what is undefined is not there. */
export type Context = Readonly<Record<string, Json | undefined>>;

/**
 * What the inspector shows of the machines' contexts and of plugins, as plain data without secrets. What is shown of the
 * same thing twice is the same object, so that what has changed is found by comparing alone.
 */
export class Views {
  readonly #redactor: Redactor;
  readonly #clock: Clock;
  /** What is shown of objects that do not change: errors, exits, lists of workers. */
  readonly #shown = new WeakMap<object, Json>();
  readonly #manifests = new WeakSet();
  /** What was last shown of the scheduler, and of what it was made. */
  #scheduler: (Pick<Ledger, 'capacity' | 'reserved' | 'pinned' | 'measurement'> & { shown: Context }) | undefined;

  constructor(redactor: Redactor, clock: Clock) {
    this.#redactor = redactor;
    this.#clock = clock;
  }

  /** What of a plugin changes though its machine remembers the same: its other regions, and the counts of its gate. */
  pluginCounts(record: PluginRecord, memoryMb: number | undefined): Context {
    const { value } = record.actor.getSnapshot() as { value: PluginValue };
    return {
      replacement: value.alive?.replacement ?? 'none',
      stability: value.alive?.stability ?? 'none',
      loaded: record.loaded,
      inFlight: record.gate.leases,
      waiting: record.gate.waiting,
      memoryMb,
    };
  }

  /** What a plugin's machine remembers, and its counts. */
  pluginContext(record: PluginRecord, memoryMb: number | undefined): Context {
    const { context, tellsInstances } = record;
    const {
      lastError,
      failure: { exit: lastExit },
    } = context;
    this.learn(context.entry.manifest);
    // A literal that begins with a spread takes V8 forty times as long.
    return Object.assign(this.pluginCounts(record, memoryMb), {
      generation: context.generation,
      current: context.current,
      replacementGeneration: context.replacement,
      enabled: context.enabled,
      keepLoaded: context.keepLoaded,
      intent: context.intent,
      restarts: context.restarts,
      backoffMs: context.backoffMs,
      pid: pidOf(context),
      siblings: tellsInstances ? context.siblings : undefined,
      asked: tellsInstances ? context.asked : undefined,
      growth: tellsInstances ? context.growth : undefined,
      workers: this.#once(context.workers, () =>
        context.workers.map(({ generation, pid, residency }) => ({
          generation,
          ...(pid !== undefined && { pid }),
          ready: residency !== undefined,
        })),
      ),
      lastError:
        lastError &&
        this.#once(lastError, () => this.#redactor.json({ code: lastError.code, message: lastError.message })),
      lastExit:
        lastExit &&
        this.#once(lastExit, () => {
          const { code, signal, outOfMemory } = lastExit;
          return { code, signal, outOfMemory };
        }),
      config: this.config(context.config, context.entry.manifest),
    });
  }

  /** A config without what is secret in it, by its names or by its schema; what is secret shows nowhere from then on. */
  config(config: unknown, { config_schema: schema }: PluginContext['entry']['manifest']): Json | undefined {
    if (config === undefined) return undefined;
    const show = (): Json => {
      const concealed = concealConfig(config, schema);
      this.#redactor.learn(concealed.secrets);
      return this.#redactor.json(concealed.config);
    };
    return typeof config === 'object' && config !== null ? this.#once(config, show) : show();
  }

  /** What is secret in a manifest shows nowhere from now on. */
  learn(manifest: PluginContext['entry']['manifest']): void {
    if (this.#manifests.has(manifest)) return;
    this.#manifests.add(manifest);
    this.#redactor.learn(secretsOfManifest(manifest));
  }

  /** A plugin as the page lists it. */
  plugin(record: PluginRecord, memoryMb: number | undefined): PluginSnapshot {
    this.learn(record.entry.manifest);
    const snapshot = record.snapshot();
    const text = (given: string): string => this.#redactor.text(given);
    const { lastError } = snapshot;
    return {
      ...snapshot,
      instances: record.tellsInstances ? snapshot.instances : undefined,
      since: wallTime(this.#clock, record.enteredAt),
      version: text(snapshot.version),
      description: text(snapshot.description),
      category: text(snapshot.category),
      manifestPath: text(snapshot.manifestPath),
      lastError: lastError && { code: lastError.code, message: text(lastError.message) },
      memoryMb,
      budgetMb: record.entry.manifest.max_rss_mb,
      config: this.config(record.context.config, record.entry.manifest),
    };
  }

  /** What is reserved, and how many plugins wait. */
  schedulerContext({ admission: { ledger, queue, evictions } }: SchedulerContext): Context {
    const { capacity, reserved, pinned, measurement } = ledger;
    const waiting = queue.length;
    const evicting = evictions.size;
    const last = this.#scheduler;
    // Most of its steps, such as at the edges of calls, change nothing of this.
    if (
      last?.capacity === capacity &&
      last.reserved === reserved &&
      last.pinned === pinned &&
      last.measurement === measurement &&
      last.shown['waiting'] === waiting &&
      last.shown['evicting'] === evicting
    ) {
      return last.shown;
    }
    const amounts = (given: object): Json => this.#once(given, () => this.#redactor.json(given));
    const shown = {
      waiting,
      evicting,
      capacity: amounts(capacity),
      reserved: amounts(reserved),
      pinned: amounts(pinned),
      measurement: measurement && amounts(measurement),
    };
    this.#scheduler = { capacity, reserved, pinned, measurement, shown };
    return shown;
  }

  /**
   * How far a worker is.
   *
   * @param own what else is known of one of several instances; undefined where it is none
   */
  workerContext({ generation, process, connection, told }: WorkerContext, own: InstanceFacts | undefined): Context {
    return {
      generation,
      pid: process?.pid,
      connected: connection !== undefined,
      concurrency: connection?.concurrency,
      streams: connection && connection.channel.stream !== undefined,
      told,
      inFlight: own?.inFlight,
      memoryMb: own?.memoryMb,
    };
  }

  #once(source: object, show: () => Json): Json {
    const known = this.#shown.get(source);
    if (known !== undefined) return known;
    const shown = show();
    this.#shown.set(source, shown);
    return shown;
  }
}

function pidOf({ workers, current }: PluginContext): number | undefined {
  return workers.find(({ generation }) => generation === current)?.pid;
}

/** Where a plugin is beside its life cycle: how far a replacement of its worker is, and whether it is stable. */
interface PluginValue {
  readonly alive?: { readonly replacement?: string; readonly stability?: string };
}
