import type { AnyActorRef } from 'xstate';
import { Heap } from './heap.ts';
import { minus, notNegative, type Resources } from './need.ts';
import type { Asking } from './policies/policy.ts';
import { RequestTree } from './request-tree.ts';
import { type ResidentKey, residentKey } from './resident-key.ts';

/** A plugin generation that has asked for memory and has no answer yet. */
export interface Request extends Asking {
  readonly ref: AnyActorRef;
  /** Its place in the order of arrival. */
  readonly arrival: number;
  /** What the generation holds already, because it is warm. */
  readonly holds: Resources;
  /** The reason for which it waits, as last reported, so that the same is not reported again. */
  reported: string | undefined;
  /** When it is to be decided about in any case, in milliseconds by the monotonic clock. */
  again: number;
  /** Until when it waits for memory to be measured as free, in milliseconds by the monotonic clock, if it does. */
  confirmBy: number | undefined;
}

/** A request that was not decided about yet. */
export function newRequest(asking: Asking, ref: AnyActorRef, holds: Resources, arrival: number): Request {
  return { ...asking, ref, arrival, holds, reported: undefined, again: Infinity, confirmBy: undefined };
}

/** After this long in the queue a request counts as one priority higher, in milliseconds. */
export const AGEING_MS = 10_000;

/**
 * The requests without an answer, at most one a plugin, in the order in which they are to be granted: those for a further
 * instance last, else by priority, which grows while they wait, then by arrival. No method takes time that grows faster than the logarithm of their
 * number.
 */
export class WaitingQueue {
  readonly #requests = new Map<ResidentKey, Request>();
  readonly #deadlines = new Heap<Request>((a, b) => a.deadline < b.deadline);
  readonly #reminders = new Heap<Request>((a, b) => a.again < b.again);
  readonly #waiting = new RequestTree<Request>(isBefore);
  /** Those for a further instance, apart because less can be evicted for them. */
  readonly #further = new RequestTree<Request>(isBefore);
  readonly #kept = new Heap<Request>(isBefore);
  #arrivals = 0;

  /** How many requests wait. */
  get length(): number {
    return this.#waiting.size + this.#further.size;
  }

  /** How many of them wait for a further instance. */
  get further(): number {
    return this.#further.size;
  }

  /** Whether there is no request without an answer, waiting or not. */
  get empty(): boolean {
    return this.#requests.size === 0;
  }

  /** The earliest deadline and reminder of all requests, in milliseconds by the monotonic clock; `Infinity` without any. */
  get nextAt(): number {
    return Math.min(this.#deadlines.peek()?.deadline ?? Infinity, this.#reminders.peek()?.again ?? Infinity);
  }

  /** The first of the requests that memory is to be kept for. */
  get firstKept(): Request | undefined {
    return this.#kept.peek();
  }

  /** The request of this key, if there is one. */
  get(key: ResidentKey): Request | undefined {
    return this.#requests.get(key);
  }

  /** The request with the earliest deadline, if that has passed. */
  expired(now: number): Request | undefined {
    const first = this.#deadlines.peek();
    return first !== undefined && first.deadline <= now ? first : undefined;
  }

  /** Takes the next reminder that is due, and returns its request. */
  due(now: number): Request | undefined {
    const first = this.#reminders.peek();
    if (first === undefined || first.again > now) return undefined;
    this.#reminders.pop();
    first.again = Infinity;
    return first;
  }

  /** Takes in a request of a plugin that has none; it does not wait yet. */
  add(asking: Asking, ref: AnyActorRef, holds: Resources): Request {
    this.#arrivals += 1;
    const request = newRequest(asking, ref, holds, this.#arrivals);
    this.#insert(request);
    return request;
  }

  /** Replaces a request by its changed version. */
  replace(former: Request, request: Request): void {
    const waited = this.waits(former);
    const kept = this.#kept.has(former);
    this.delete(former);
    this.#insert(request);
    if (waited) this.park(request);
    if (kept) this.#kept.push(request);
  }

  /** Forgets a request: it has its answer, or was withdrawn. */
  delete(request: Request): void {
    this.unpark(request);
    this.#reminders.delete(request);
    this.#deadlines.delete(request);
    this.#requests.delete(residentKey(request));
  }

  /** Has the request decided about at this time, at the latest; `Infinity` for no such time. */
  remind(request: Request, at: number): void {
    this.#reminders.delete(request);
    request.again = at;
    if (at !== Infinity) this.#reminders.push(request);
  }

  /** Lets the request wait, if it does not yet. */
  park(request: Request): void {
    if (this.waits(request)) return;
    const { vramMb, ramMb, slots } = notNegative(minus(request.need, request.holds));
    this.#treeOf(request).add(request, { vramMb, ramMb, slots, spread: request.need.spread });
  }

  /** Whether memory is to be kept for a request that waits. */
  keep(request: Request, keep: boolean): void {
    if (!keep) this.#kept.delete(request);
    else if (!this.#kept.has(request)) this.#kept.push(request);
  }

  /** Whether the request waits. */
  waits(request: Request): boolean {
    return this.#treeOf(request).has(request);
  }

  /** Of the requests that wait for a first instance, the first after the given one, or of all, that fits into what is available. */
  firstFitting(available: Resources, after: Request | undefined): Request | undefined {
    return this.#waiting.firstFitting(available, after);
  }

  /** The same of those that wait for a further instance. */
  firstFurtherFitting(available: Resources, after: Request | undefined): Request | undefined {
    return this.#further.firstFitting(available, after);
  }

  /** Ends the waiting of a request, because others are evicted for it. */
  unpark(request: Request): void {
    this.#treeOf(request).delete(request);
    this.#kept.delete(request);
  }

  #treeOf({ further }: Request): RequestTree<Request> {
    return further ? this.#further : this.#waiting;
  }

  #insert(request: Request): void {
    this.#requests.set(residentKey(request), request);
    this.#deadlines.push(request);
    if (request.again !== Infinity) this.#reminders.push(request);
  }
}

/**
 * Whether `a` is to be granted before `b`. A request gains one priority each {@link AGEING_MS}, every one at the same
 * pace, so the order of two never changes while they wait and needs no timer. One for a further instance comes after all
 * that are not, however long it waits.
 */
export function isBefore(a: Request, b: Request): boolean {
  if (a.further !== b.further) return b.further;
  const [since, otherSince] = [a.at - a.priority * AGEING_MS, b.at - b.priority * AGEING_MS];
  return since === otherSince ? a.arrival < b.arrival : since < otherSince;
}
