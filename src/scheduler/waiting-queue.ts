import type { AnyActorRef } from 'xstate';
import { Heap } from './heap.ts';
import type { Asking } from './policy.ts';

/** A plugin generation that has asked for room and has no answer yet. */
export interface Request extends Asking {
  readonly ref: AnyActorRef;
  /** Its place in the order of arrival. */
  readonly turn: number;
  /** Whether the generation is warm, and so needs only what it does not hold already. */
  readonly resumes: boolean;
  /** The reason for which it was last told to wait, so that the same is not reported again. */
  told: string | undefined;
}

/** After this long in the queue a request counts as one priority higher, in milliseconds. */
export const AGEING_MS = 10_000;

/**
 * The requests without an answer, at most one a plugin, in the order in which they have a right to room: by priority,
 * which grows while they wait, then by arrival. Those that wait are kept apart by need: of equal needs only the first
 * can be next, so an edge looks at one request for each need instead of at all.
 */
export class WaitingQueue {
  readonly #requests = new Map<string, Request>();
  readonly #deadlines = new Heap<Request>((a, b) => a.deadline < b.deadline);
  readonly #waiting = new Map<string, Heap<Request>>();
  #length = 0;

  /** How many requests wait. */
  get length(): number {
    return this.#length;
  }

  /** Whether there is no request without an answer, waiting or not. */
  get empty(): boolean {
    return this.#requests.size === 0;
  }

  /** The earliest deadline of all requests, in milliseconds since the epoch. */
  get earliestDeadline(): number | undefined {
    return this.#deadlines.peek()?.deadline;
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

  /** Takes in a request of a plugin that has none; it does not wait yet. */
  add(request: Request): void {
    this.#requests.set(request.plugin, request);
    this.#deadlines.push(request);
  }

  /** Puts the changed request in the place of the former one. */
  replace(former: Request, request: Request): void {
    const waited = this.unpark(former);
    this.#deadlines.delete(former);
    this.add(request);
    if (waited) this.park(request);
  }

  /** Forgets a request: it has its answer, or wants none. */
  delete(request: Request): void {
    this.unpark(request);
    this.#deadlines.delete(request);
    this.#requests.delete(request.plugin);
  }

  /** Lets the request wait, if it does not yet. */
  park(request: Request): void {
    const key = keyOf(request);
    let heap = this.#waiting.get(key);
    if (heap === undefined) {
      heap = new Heap(before);
      this.#waiting.set(key, heap);
    } else if (heap.has(request)) {
      return;
    }
    heap.push(request);
    this.#length += 1;
  }

  /** Whether the request waits. */
  waits(request: Request): boolean {
    return this.#waiting.get(keyOf(request))?.has(request) ?? false;
  }

  /** Of those that wait with the same need as this one, the first. */
  firstLike(request: Request): Request | undefined {
    return this.#waiting.get(keyOf(request))?.peek();
  }

  /** Of those that wait, the first of each need. */
  *heads(): IterableIterator<Request> {
    for (const heap of this.#waiting.values()) {
      const head = heap.peek();
      if (head !== undefined) yield head;
    }
  }

  /** Lets the request wait no longer, because room is being made for it; false when it did not wait. */
  unpark(request: Request): boolean {
    const key = keyOf(request);
    const heap = this.#waiting.get(key);
    if (heap === undefined || !heap.delete(request)) return false;
    if (heap.size === 0) this.#waiting.delete(key);
    this.#length -= 1;
    return true;
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

function keyOf({ need, resumes, plugin }: Request): string {
  return `${need.vramMb} ${need.ramMb} ${need.slots} ${need.pinned === true} ${resumes ? plugin : ''}`;
}
