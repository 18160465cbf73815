import type { PluginContext } from '../machines/plugin.ts';
import type { SchedulerContext } from '../machines/scheduler.ts';
import type { WorkerContext } from '../machines/worker.ts';
import type { PluginRecord } from '../plugin-record.ts';
import type { Redactor } from './redaction.ts';
import { concealConfig, secretsOfManifest } from './secrets.ts';
import type { Json, JsonObject, PluginSnapshot } from './wire.ts';

/**
 * What the inspector shows of the machines' contexts and of plugins, as plain data without secrets. What is shown of the
 * same thing twice is the same object, so that what has changed is found by comparing alone.
 */
export class Views {
  readonly #redactor: Redactor;
  /** What is shown of objects that do not change: errors, exits, lists of workers. */
  readonly #shown = new WeakMap<object, Json>();
  readonly #manifests = new WeakSet();

  constructor(redactor: Redactor) {
    this.#redactor = redactor;
  }

  /** What a plugin's machine remembers, with the counts of its gate. */
  pluginContext(record: PluginRecord, memoryMb: number | undefined): JsonObject {
    const { context, gate } = record;
    this.learn(record.entry.manifest);
    const { lastError, lastExit } = context;
    return defined({
      generation: context.generation,
      current: context.current,
      successor: context.successor,
      ...regionsOf(record),
      granted: context.granted,
      enabled: context.enabled,
      wished: context.wished,
      loaded: record.loaded,
      intent: context.intent,
      restarts: context.restarts,
      backoffMs: context.backoffMs,
      pid: pidOf(context),
      inFlight: gate.leases,
      waiting: gate.waiting,
      memoryMb,
      workers: this.#once(context.workers, () =>
        context.workers.map(({ generation, pid, residency }) =>
          defined({ generation, pid, ready: residency !== undefined }),
        ),
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

  /** Who holds room, and how many wait for it. */
  schedulerContext({ admission: { ledger, queue, evictions } }: SchedulerContext): JsonObject {
    const { capacity, reserved, pinned, measurement } = ledger;
    const amounts = (given: object): Json => this.#once(given, () => this.#redactor.json(given));
    return defined({
      waiting: queue.length,
      evicting: evictions.size,
      capacity: amounts(capacity),
      reserved: amounts(reserved),
      pinned: amounts(pinned),
      measurement: measurement && amounts(measurement),
    });
  }

  /** How far a worker is. */
  workerContext({ generation, process, connection, told }: WorkerContext): JsonObject {
    return defined({
      generation,
      pid: process?.pid,
      connected: connection !== undefined,
      concurrency: connection?.concurrency,
      streams: connection?.streams,
      told,
    });
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

/** Where the plugin is in its other regions: how far a replacement of its worker is, and whether it is stable. */
function regionsOf(record: PluginRecord): { readonly replacement: string; readonly stability: string } {
  const { value } = record.actor.getSnapshot() as { value: { alive?: { replacement?: string; stability?: string } } };
  const { replacement = 'none', stability = 'none' } = value.alive ?? {};
  return { replacement, stability };
}

function defined(fields: Readonly<Record<string, Json | undefined>>): JsonObject {
  const kept: Record<string, Json> = {};
  for (const key in fields) {
    const value = fields[key];
    if (value !== undefined) kept[key] = value;
  }
  return kept;
}
