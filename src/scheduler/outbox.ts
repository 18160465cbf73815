import type { AnyActorRef } from 'xstate';
import type { MeasureRequest, SchedulerEmitted, SchedulerFact, SchedulerReply } from './scheduler-events.ts';

/** Something to be sent or emitted; the code that decides does neither. */
export type Effect =
  | { readonly to: AnyActorRef; readonly event: SchedulerReply | MeasureRequest }
  | { readonly to: undefined; readonly event: SchedulerEmitted };

/** The messages and events of the scheduler, in order, until they are taken. */
export class Outbox {
  #effects: Effect[] = [];

  /** All that was put in since the last call. */
  take(): readonly Effect[] {
    const effects = this.#effects;
    if (effects.length > 0) this.#effects = [];
    return effects;
  }

  /** A message to an actor. */
  send(to: AnyActorRef, event: SchedulerReply | MeasureRequest): void {
    this.#effects.push({ to, event });
  }

  /** Something for observers. */
  emit(event: SchedulerEmitted): void {
    this.#effects.push({ to: undefined, event });
  }

  /** Something for the log. */
  fact(fact: SchedulerFact): void {
    this.emit({ type: 'fact', fact });
  }
}
