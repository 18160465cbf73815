import type { AnyActorRef } from 'xstate';
import { Heap } from './heap.ts';
import { minus, notNegative, type Resources } from './need.ts';
import type { Asking } from './policies/policy.ts';
import { RequestTree } from './request-tree.ts';

/** A plugin generation that has asked for room and has no answer yet. */
export interface Request extends Asking {
  readonly ref: AnyActorRef;
  /** Its place in the order of arrival. */
  readonly turn: number;
  /** What the generation holds already, because it is warm. */
  readonly holds: Resources;
  /** The reason for which it was last told to wait, so that the same is not reported again. */
  told: string | undefined;
  /** When it is to be decided about whatever happens, in milliseconds by the monotonic clock. */
  again: number;
  /** Until when it waits for memory to be seen free, in milliseconds by the monotonic clock; `undefined` if it does not. */
  confirmBy: number | undefined;
}

/** After this long in the queue a request counts as one priority higher, in milliseconds. */
export const AGEING_MS = 10_000;

/**
 * The requests without an answer, at most one a plugin, in the order in which they have a right to room: by priority,
 * which grows while they wait, then by arrival. No method takes time that grows faster than the logarithm of their
 * number.
 */
export class WaitingQueue {
  readonly #requests = new Map<string, Request>();
  readonly #deadlines = new Heap<Request>((a, b) => a.deadline < b.deadline);
  readonly #reminders = new Heap<Request>((a, b) => a.again < b.again);
  readonly #waiting = new RequestTree<Request>(before);
  readonly #kept = new Heap<Request>(before);

  /** How many requests wait. */
  get length(): number {
    return this.#waiting.size;
  }

  /** Whether there is no request without an answer, waiting or not. */
  get empty(): boolean {
    return this.#requests.size === 0;
  }

  /** The earliest deadline and reminder of all requests, in milliseconds by the monotonic clock; `Infinity` without any. */
  get nextAt(): number {
    return Math.min(this.#deadlines.peek()?.deadline ?? Infinity, this.#reminders.peek()?.again ?? Infinity);
  }

  /** The first of those for whom room is to be kept. */
  get firstKept(): Request | undefined {
    return this.#kept.peek();
  }

  /** The request of a plugin. */
  get(plugin: string): Request | undefined {
    return this.#requests.get(plugin);
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
  add(request: Request): void {
    this.#requests.set(request.plugin, request);
    this.#deadlines.push(request);
    if (request.again !== Infinity) this.#reminders.push(request);
  }

  /** Puts the changed request in the place of the former one. */
  replace(former: Request, request: Request): void {
    const waited = this.waits(former);
    const kept = this.#kept.has(former);
    this.delete(former);
    this.add(request);
    if (waited) this.park(request);
    if (kept) this.#kept.push(request);
  }

  /** Forgets a request: it has its answer, or wants none. */
  delete(request: Request): void {
    this.unpark(request);
    this.#reminders.delete(request);
    this.#deadlines.delete(request);
    this.#requests.delete(request.plugin);
  }

  /** Has the request decided about at this time, at the latest. */
  remind(request: Request, at: number): void {
    this.#reminders.delete(request);
    request.again = at;
    if (at !== Infinity) this.#reminders.push(request);
  }

  /** Lets the request wait, if it does not yet. */
  park(request: Request): void {
    if (this.waits(request)) return;
    const { vramMb, ramMb, slots } = notNegative(minus(request.need, request.holds));
    this.#waiting.add(request, { vramMb, ramMb, slots, spread: request.need.spread });
  }

  /** Whether room is to be kept for a request that waits. */
  keep(request: Request, keep: boolean): void {
    if (!keep) this.#kept.delete(request);
    else if (!this.#kept.has(request)) this.#kept.push(request);
  }

  /** Whether the request waits. */
  waits(request: Request): boolean {
    return this.#waiting.has(request);
  }

  /** Of those that wait, the first after the given one, or of all, that the room holds. */
  firstFitting(room: Resources, after: Request | undefined): Request | undefined {
    return this.#waiting.firstFitting(room, after);
  }

  /** Lets the request wait no longer, because room is being made for it. */
  unpark(request: Request): void {
    this.#waiting.delete(request);
    this.#kept.delete(request);
  }
}

/**
 * Whether `a` has the better right to room. A request gains one priority each {@link AGEING_MS}, every one at the same
 * pace, so the order of two never changes while they wait and needs no timer.
 */
export function before(a: Request, b: Request): boolean {
  const [since, otherSince] = [a.at - a.priority * AGEING_MS, b.at - b.priority * AGEING_MS];
  return since === otherSince ? a.turn < b.turn : since < otherSince;
}
