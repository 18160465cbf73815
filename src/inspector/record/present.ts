import type { AnyActorRef } from 'xstate';
import { pluginMachine } from '../../machines/plugin.ts';
import { type SchedulerContext, schedulerMachine } from '../../machines/scheduler.ts';
import { supervisorMachine } from '../../machines/supervisor.ts';
import { type WorkerContext, workerMachine } from '../../machines/worker.ts';
import type { PluginRecord } from '../../runtime/plugin-record.ts';
import type { Redactor } from '../redaction/redaction.ts';
import type { ActorId, ActorSnapshot, JsonObject, Sync } from '../wire.ts';
import { actorIdOf, machineOf, pluginNamed, SCHEDULER, SUPERVISOR, workerId } from './actor-ids.ts';
import { Alerts } from './alerts.ts';
import { chartOf, pathsOf } from './chart.ts';
import { GONE } from './context-change.ts';
import type { Recorded } from './recorded.ts';
import type { Context, Views } from './views.ts';
import { WorkerMemory } from './worker-memory.ts';

/** What of the runtime is shown at one moment. */
type Shown = Pick<Recorded, 'records' | 'root' | 'clock' | 'supervisor'>;

/** The paths of the states that an actor is in. */
export function activeOf(actor: AnyActorRef): string[] {
  return pathsOf((actor.getSnapshot() as { value?: unknown }).value);
}

/** The supervisor at this moment, as the page sees it. Reading it changes nothing. */
export class Present {
  readonly memory = new WorkerMemory();
  readonly alerts = new Alerts();
  readonly #shown: Shown;
  readonly #views: Views;
  readonly #redactor: Redactor;
  #machines: Sync['machines'] | undefined;

  constructor(shown: Shown, views: Views, redactor: Redactor) {
    this.#shown = shown;
    this.#views = views;
    this.#redactor = redactor;
  }

  /** What an actor's machine remembers; nothing of one that is gone. */
  contextOf(id: ActorId): Context {
    if (id === SUPERVISOR) return { plugins: this.#shown.records.size, ...this.alerts.context };
    if (id === SCHEDULER) {
      const scheduler = this.#scheduler();
      return scheduler === undefined ? GONE : this.#views.schedulerContext(contextIn(scheduler) as SchedulerContext);
    }
    const record = this.#shown.records.get(pluginNamed(id) ?? '');
    if (record !== undefined) return this.contextOfPlugin(record);
    return this.#contextOfWorker(id);
  }

  /** What of it may change though the machine remembers the same. */
  countsOfPlugin(record: PluginRecord): Context {
    return this.#views.pluginCounts(record, this.memory.of(record));
  }

  /** The same of a plugin's actor. */
  contextOfPlugin(record: PluginRecord): Context {
    return this.#views.pluginContext(record, this.memory.of(record));
  }

  /** One actor; `name` is the plugin's, if it is one's. */
  actorOf(ref: AnyActorRef, name: string): ActorSnapshot {
    const id = actorIdOf(ref);
    // As it is read: what is undefined is not in JSON.
    const context = this.contextOf(id) as JsonObject;
    return { id, machine: machineOf(ref) ?? 'plugin', name, active: activeOf(ref), context };
  }

  /**
   * Everything but the records, as JSON of a {@link Sync} that ends where they would begin.
   *
   * @param complete the `seq` after which no record is missing
   */
  toJson(seq: number, complete: number, control: boolean): string {
    const { records, root, supervisor, clock } = this.#shown;
    const scheduler = this.#scheduler();
    const plugins = [];
    const actors = [this.actorOf(root, SUPERVISOR)];
    if (scheduler !== undefined) actors.push(this.actorOf(scheduler, SCHEDULER));
    for (const record of records.values()) {
      plugins.push(this.#views.plugin(record, this.memory.of(record)));
      actors.push(this.actorOf(record.actor, record.plugin));
      for (const { ref, generation } of record.context.workers) {
        const id = workerId(record.plugin, generation);
        actors.push({ ...this.actorOf(ref as AnyActorRef, record.plugin), id, machine: 'worker' });
      }
    }
    this.#machines ??= {
      plugin: chartOf(pluginMachine),
      worker: chartOf(workerMachine),
      supervisor: chartOf(supervisorMachine),
      scheduler: chartOf(schedulerMachine),
    };
    const shown: Omit<Sync, 'supervisor' | 'records'> = {
      seq,
      complete,
      at: clock.now(),
      control,
      machines: this.#machines,
      plugins,
      actors,
    };
    return JSON.stringify({ ...shown, supervisor: this.#redactor.json(supervisor.status()) });
  }

  /** Undefined once the supervisor has stopped. */
  #scheduler(): AnyActorRef | undefined {
    return (this.#shown.root.getSnapshot().children as { scheduler?: AnyActorRef }).scheduler;
  }

  #contextOfWorker(id: ActorId): Context {
    const [, plugin = '', generation = ''] = /^worker:(.*)#(\d+)$/.exec(id) ?? [];
    const record = this.#shown.records.get(plugin);
    const worker = record?.context.workers.find((slot) => slot.generation === Number(generation));
    if (record === undefined || worker === undefined) return GONE;
    const { ref, pid, residency } = worker;
    const own = record.tellsInstances
      ? { inFlight: residency?.leases.size ?? 0, memoryMb: this.memory.ofProcess(plugin, pid) }
      : undefined;
    return this.#views.workerContext(contextIn(ref as AnyActorRef) as WorkerContext, own);
  }
}

const contextIn = (actor: AnyActorRef): unknown => (actor.getSnapshot() as { context: unknown }).context;
