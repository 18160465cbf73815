import type { AnyActorRef } from 'xstate';
import { pluginMachine } from '../../machines/plugin.ts';
import { type SchedulerContext, schedulerMachine } from '../../machines/scheduler.ts';
import { supervisorMachine } from '../../machines/supervisor.ts';
import { type WorkerContext, workerMachine } from '../../machines/worker.ts';
import type { PluginRecord } from '../../runtime/plugin-record.ts';
import type { Redactor } from '../redaction/redaction.ts';
import type { ActorId, ActorSnapshot, JsonObject, Sync } from '../wire.ts';
import { actorIdOf, machineOf, pluginNamed, SCHEDULER, SUPERVISOR, workerId } from './actor-ids.ts';
import { chartOf, pathsOf } from './chart.ts';
import { GONE } from './context-change.ts';
import type { Recorded } from './recorded.ts';
import type { Context, Views } from './views.ts';

/** What of the runtime is shown at one moment. */
type Shown = Pick<Recorded, 'records' | 'root' | 'clock' | 'supervisor'>;

/** The paths of the states that an actor is in. */
export function activeOf(actor: AnyActorRef): string[] {
  return pathsOf((actor.getSnapshot() as { value?: unknown }).value);
}

/** Whether a process is that of one of the plugin's workers. */
export function hasProcess({ context: { workers } }: PluginRecord, pid: number): boolean {
  return workers.some((slot) => slot.pid === pid);
}

/** The supervisor at this moment, as the page sees it. Reading it changes nothing. */
export class Present {
  /** What the process tree under a plugin's worker took when it was last measured, in MiB. It is that process's alone. */
  readonly memory = new Map<string, { readonly pid: number; readonly memoryMb: number }>();
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
    if (id === SUPERVISOR) return { plugins: this.#shown.records.size };
    if (id === SCHEDULER) {
      const scheduler = this.#scheduler();
      return scheduler === undefined ? GONE : this.#views.schedulerContext(contextIn(scheduler) as SchedulerContext);
    }
    const record = this.#shown.records.get(pluginNamed(id) ?? '');
    if (record !== undefined) return this.contextOfPlugin(record);
    const worker = this.#workerOf(id);
    return worker === undefined ? GONE : this.#views.workerContext(contextIn(worker) as WorkerContext);
  }

  /** What of it may change though the machine remembers the same. */
  countsOfPlugin(record: PluginRecord): Context {
    return this.#views.pluginCounts(record, this.#memoryOf(record));
  }

  /** The same of a plugin's actor. */
  contextOfPlugin(record: PluginRecord): Context {
    return this.#views.pluginContext(record, this.#memoryOf(record));
  }

  /** One actor; `name` is the plugin's, if it is one's. */
  actorOf(ref: AnyActorRef, name: string): ActorSnapshot {
    const id = actorIdOf(ref);
    // As it is read: what is undefined is not in JSON.
    const context = this.contextOf(id) as JsonObject;
    return { id, machine: machineOf(ref) ?? 'plugin', name, active: activeOf(ref), context };
  }

  /** Everything but the records, as JSON of a {@link Sync} that ends where they would begin. */
  toJson(seq: number, control: boolean): string {
    const { records, root, supervisor, clock } = this.#shown;
    const scheduler = this.#scheduler();
    const plugins = [];
    const actors = [this.actorOf(root, SUPERVISOR)];
    if (scheduler !== undefined) actors.push(this.actorOf(scheduler, SCHEDULER));
    for (const record of records.values()) {
      plugins.push(this.#views.plugin(record, this.#memoryOf(record)));
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
      at: clock.now(),
      control,
      machines: this.#machines,
      plugins,
      actors,
    };
    return JSON.stringify({ ...shown, supervisor: this.#redactor.json(supervisor.status()) });
  }

  /** Undefined where the process that was measured is gone. */
  #memoryOf(record: PluginRecord): number | undefined {
    const last = this.memory.get(record.plugin);
    return last !== undefined && hasProcess(record, last.pid) ? last.memoryMb : undefined;
  }

  /** Undefined once the supervisor has stopped. */
  #scheduler(): AnyActorRef | undefined {
    return (this.#shown.root.getSnapshot().children as { scheduler?: AnyActorRef }).scheduler;
  }

  #workerOf(id: ActorId): AnyActorRef | undefined {
    const [, plugin = '', generation = ''] = /^worker:(.*)#(\d+)$/.exec(id) ?? [];
    const workers = this.#shown.records.get(plugin)?.context.workers ?? [];
    return workers.find((slot) => slot.generation === Number(generation))?.ref as AnyActorRef | undefined;
  }
}

const contextIn = (actor: AnyActorRef): unknown => (actor.getSnapshot() as { context: unknown }).context;
