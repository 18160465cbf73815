/**
 * An event of XState's inspection, as far as it is the same for all of them. Said here and not imported, so that no
 * program needs types of XState to use ours; XState's own `InspectionEvent` fits it.
 */
export interface InspectionEvent {
  /** What was inspected, as `@xstate.event` or `@xstate.snapshot`. */
  readonly type: `@xstate.${string}`;
  /** Of the root of the system. */
  readonly rootId: string;
  /** The actor that it is about. */
  readonly actorRef: object;
  /** The actor that sent the event, where there is one. */
  readonly sourceRef?: object | undefined;
  /** The event that the actor was sent or has taken. */
  readonly event?: { readonly type: string } | undefined;
  /** How the actor stands after it. */
  readonly snapshot?: object | undefined;
}

/** Whose `next` takes the events, as tools for XState bring it. */
interface ObserverObject {
  // A method, because observers that take XState's own, narrower type of the event are to fit as well.
  next?(event: InspectionEvent): void;
}

/** Takes the events of XState's inspection: a function, or an object like those that tools for XState bring. */
export type InspectionObserver = NonNullable<ObserverObject['next']> | ObserverObject;
