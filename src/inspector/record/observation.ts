import type { AnyActorRef, AnyEventObject, InspectionEvent } from 'xstate';
import { callListener } from '../../events/listeners.ts';
import { machineOf } from './actor-ids.ts';
import type { InspectionObserver } from './inspection-observer.ts';

/** What is told of the actors of a system. */
export interface Observer {
  /** An actor is sent an event; it has not seen it yet. */
  onEvent(actor: AnyActorRef, source: AnyActorRef | undefined, event: AnyEventObject): void;
  /** An actor that runs one of our machines has taken a step, which may have changed nothing. */
  onStep(actor: AnyActorRef, event: AnyEventObject): void;
}

/** An observer of a user's as XState takes it; what it throws goes to `onError`, for in XState it would end an actor. */
export function guarded(observer: InspectionObserver, onError: (error: unknown) => void) {
  const take = typeof observer === 'function' ? observer : (event: InspectionEvent) => observer.next?.(event);
  return (event: InspectionEvent): void => callListener(take, event, onError);
}

/**
 * Observes every actor of the system that an actor belongs to. Returns how to stop. Nothing but this module uses XState's
 * inspection: it makes every event cost about twice as much, so nothing observes while nobody looks.
 * What the observer throws goes to `onError`: in XState it would end the actor that happens to be at work.
 */
export function observe(root: AnyActorRef, observer: Observer, onError: (error: unknown) => void): () => void {
  const tell = (inspected: InspectionEvent): void => {
    const actor = inspected.actorRef as AnyActorRef;
    if (inspected.type === '@xstate.event') {
      observer.onEvent(actor, inspected.sourceRef as AnyActorRef | undefined, inspected.event);
    } else if (inspected.type === '@xstate.snapshot' && machineOf(actor) !== undefined) {
      observer.onStep(actor, inspected.event);
    }
  };
  return root.system.inspect(guarded(tell, onError)).unsubscribe;
}
