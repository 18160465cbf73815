import type { Evictions } from './evictions.ts';
import { Heap } from './heap.ts';
import type { Ledger } from './ledger.ts';
import { plus, type Resources } from './need.ts';
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
   * for comes first, or requests before it in the queue would take what is kept for it.
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
      const waiting = looks ? this.#queue.firstFitting(this.#reach, last) : undefined;
      if (waiting !== undefined && (first === undefined || !isBefore(first, waiting))) {
        last = waiting;
        asked.delete(waiting);
        if (waiting !== kept) decide(waiting);
      } else if (first !== undefined) {
        asked.pop();
        decide(first);
      } else {
        return;
      }
    }
  }

  /** The most that a waiting request could have now, without residents that yield. */
  get #reach(): Resources {
    return plus(this.#ledger.available(this.#evictions.held()), this.#ledger.evictable);
  }
}
