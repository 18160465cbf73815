import type { AnyActorRef } from 'xstate';
import type { PluginRecord } from '../../runtime/plugin-record.ts';
import type { ActorId } from '../wire.ts';
import { workerId } from './actor-ids.ts';
import { changeOf, GONE } from './context-change.ts';
import { activeOf } from './present.ts';
import type { RecorderParts } from './recorder-parts.ts';
import type { Context } from './views.ts';

/** An actor as it was last recorded. */
interface SeenActor {
  readonly id: ActorId;
  /** For people. */
  state: string;
  context: Context;
}

/** Records the states of the actors of which the runtime tells nothing: the supervisor, the scheduler, the workers. */
export class ActorRecorder {
  readonly #parts: RecorderParts;
  readonly #isObserved: () => boolean;
  readonly #workers = new Map<ActorId, SeenActor>();
  /** How to look at the supervisor and the scheduler anew. */
  readonly #touch = new Map<ActorId, () => void>();
  /** How to follow an actor no more. */
  readonly #leave = new Map<ActorId, () => void>();

  /** @param isObserved whether the steps of workers are told of by {@link onWorkerStep}, with their events */
  constructor(parts: RecorderParts, isObserved: () => boolean) {
    this.#parts = parts;
    this.#isObserved = isObserved;
  }

  /** Follows the supervisor or the scheduler. `onStep` is called before each step is recorded. */
  follow(actor: AnyActorRef, id: ActorId, onStep = (): void => {}): void {
    const { faults, present } = this.#parts;
    const seen: SeenActor = { id, state: stateOf(actor), context: present.contextOf(id) };
    this.#touch.set(id, () => this.#onStep(actor, seen));
    const next = (): void => {
      onStep();
      this.#onStep(actor, seen);
    };
    this.#leave.set(id, actor.subscribe({ next: faults.guarded(next), error: () => {} }).unsubscribe);
  }

  /** What is shown of the supervisor or the scheduler may have changed without a step. */
  touch(id: ActorId): void {
    this.#touch.get(id)?.();
  }

  /** Follows the workers of a plugin that are new. */
  followWorkers(plugin: PluginRecord): void {
    for (const { ref, generation } of plugin.context.workers) {
      const id = workerId(plugin.plugin, generation);
      if (this.#leave.has(id)) continue;
      const actor = ref as AnyActorRef;
      const seen = this.#workerSeen(id);
      // Who observes the actor sees the same step, and by which event.
      const next = (): void => {
        if (!this.#isObserved()) this.#onStep(actor, seen);
      };
      const leave = (): void => this.#leaveWorker(id);
      const { unsubscribe } = actor.subscribe({
        next: this.#parts.faults.guarded(next),
        error: leave,
        complete: leave,
      });
      this.#leave.set(id, unsubscribe);
      this.#onStep(actor, seen);
    }
  }

  /** What is shown of the workers of a plugin may have changed without a step of theirs: their calls and their memory. */
  touchWorkers(plugin: PluginRecord): void {
    for (const { ref, generation } of plugin.context.workers) {
      const seen = this.#workers.get(workerId(plugin.plugin, generation));
      if (seen !== undefined) this.#onStep(ref as AnyActorRef, seen);
    }
  }

  /** A worker's actor that is observed has taken a step, by this event. */
  onWorkerStep(actor: AnyActorRef, id: ActorId, event: string): void {
    this.#onStep(actor, this.#workerSeen(id), event);
  }

  close(): void {
    for (const leave of this.#leave.values()) leave();
    this.#leave.clear();
  }

  #onStep(actor: AnyActorRef, seen: SeenActor, event = ''): void {
    const { present, pending, subject } = this.#parts;
    const { id, state: from, context: before } = seen;
    seen.context = present.contextOf(id);
    const context = changeOf(before, seen.context);
    const to = stateOf(actor);
    const at = subject.clock.now();
    if (from !== to) {
      seen.state = to;
      pending.add({ kind: 'transition', at, actor: id, from, to, active: activeOf(actor), event, context });
    } else if (context !== undefined) pending.add({ kind: 'context', at, actor: id, context });
  }

  #workerSeen(id: ActorId): SeenActor {
    let seen = this.#workers.get(id);
    if (seen === undefined) {
      seen = { id, state: '', context: GONE };
      this.#workers.set(id, seen);
    }
    return seen;
  }

  #leaveWorker(id: ActorId): void {
    this.#leave.get(id)?.();
    this.#leave.delete(id);
    this.#workers.delete(id);
  }
}

function stateOf(actor: AnyActorRef): string {
  const { value } = actor.getSnapshot() as { value?: unknown };
  return typeof value === 'string' ? value : activeOf(actor).join(' ');
}
