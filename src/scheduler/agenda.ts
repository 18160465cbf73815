import type { Evictions } from './evictions.ts';
import { Heap } from './heap.ts';
import type { Ledger } from './ledger.ts';
import { plus } from './need.ts';
import { type ResidentKey, residentKey } from './resident-key.ts';
import { isBefore, type Request, type WaitingQueue } from './waiting-queue.ts';

/**
 * Which requests are to be decided about, and in which order: those on it in any case, and once capacity may have become
 * free, every waiting request that may fit.
 */
export class Agenda {
  readonly #ledger: Ledger;
  readonly #queue: WaitingQueue;
  readonly #evictions: Evictions;
  readonly #requests = new Set<Request>();
  #includesWaiting = false;

  constructor(ledger: Ledger, queue: WaitingQueue, evictions: Evictions) {
    this.#ledger = ledger;
    this.#queue = queue;
    this.#evictions = evictions;
  }

  /** Whether there is nothing to decide. */
  get isEmpty(): boolean {
    return this.#requests.size === 0 && !(this.#includesWaiting && this.#queue.length > 0);
  }

  /** Puts a request on the agenda. */
  add(request: Request): void {
    this.#requests.add(request);
  }

  /** Puts the request of this key on the agenda, if there is one, and returns it. */
  addOf(key: ResidentKey): Request | undefined {
    const request = this.#queue.get(key);
    if (request !== undefined) this.add(request);
    return request;
  }

  /** Puts every waiting request that may fit on the agenda: capacity may have become free. */
  addWaiting(): void {
    this.#includesWaiting = true;
  }

  /** Replaces a request by its changed version, where it is on the agenda. */
  replace(former: Request, request: Request): void {
    if (this.#requests.delete(former)) this.#requests.add(request);
  }

  /** The request has its answer, or was withdrawn. What was kept for it is free for others. */
  forget(request: Request): void {
    const key = residentKey(request);
    this.#queue.delete(request);
    this.#requests.delete(request);
    if (this.#evictions.delete(key)) this.addWaiting();
    const own = this.#ledger.get(key, request.generation);
    if (own?.claimed === true) {
      this.#ledger.claim(own, false);
      this.addWaiting();
    }
  }

  /**
   * Has each request on the agenda decided about once, in the order of the queue. The one that the policy keeps memory
   * for comes first, or requests before it in the queue would take what is kept for it. Those for a further instance are
   * left for the next round once capacity may have become free in this one, so that first instances have it before them.
   */
  round(decide: (request: Request) => void): void {
    const looks = this.#includesWaiting;
    this.#includesWaiting = false;
    const kept = looks ? this.#queue.firstKept : undefined;
    if (kept !== undefined) {
      this.#requests.delete(kept);
      decide(kept);
    }
    // Memory held for them is beyond the reach of waiting requests, so they would not be found among these.
    if (looks) {
      const decided = kept && residentKey(kept);
      for (const [key, why] of this.#evictions.waiting) if (why === 'confirmed' || key !== decided) this.addOf(key);
    }
    const asked = new Heap<Request>(isBefore);
    for (const request of this.#requests) asked.push(request);
    this.#requests.clear();
    let last: Request | undefined;
    for (;;) {
      const first = asked.peek();
      const waiting = looks ? this.#firstFitting(last) : undefined;
      const isOfQueue = waiting !== undefined && (first === undefined || !isBefore(first, waiting));
      const next = isOfQueue ? waiting : first;
      if (next === undefined) return;
      if (next.further && this.#includesWaiting) break;
      asked.delete(next);
      if (isOfQueue) last = waiting;
      // One that was asked about may be refused meanwhile, because its warm worker was evicted.
      const isOver = isOfQueue ? next === kept : this.#queue.get(residentKey(next)) !== next;
      if (!isOver) decide(next);
    }
    for (let left = asked.pop(); left !== undefined; left = asked.pop()) this.#requests.add(left);
  }

  /** The first waiting request after the given one, or of all, that fits into the most that it could have now, without residents that yield. */
  #firstFitting(after: Request | undefined): Request | undefined {
    if (after?.further !== true) {
      const free = this.#ledger.available(this.#evictions.held());
      const first = this.#queue.firstFitting(plus(free, this.#ledger.evictable), after);
      if (first !== undefined || this.#queue.further === 0) return first;
    }
    const last = after?.further === true ? after : undefined;
    const free = this.#ledger.available(this.#evictions.held(undefined, true));
    return this.#queue.firstFurtherFitting(plus(free, this.#ledger.evictableSurplus), last);
  }
}
