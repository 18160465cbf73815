import type { AnyActorRef } from 'xstate';
import type { Admission } from './admission.ts';
import type { Measurement } from './measurement.ts';
import type { Need, Resources } from './need.ts';
import type { Asking } from './policies/policy.ts';
import { type Prospect, prospectOf } from './prospect.ts';
import type { Reservation } from './reservation.ts';
import { residentKey } from './resident-key.ts';
import type { Request } from './waiting-queue.ts';

/** How the scheduler stands. Reading it changes nothing; times are by the monotonic clock. */
export class SchedulerView {
  readonly #admission: Admission;

  constructor(admission: Admission) {
    this.#admission = admission;
  }

  /** What is reserved of the capacity. */
  get reserved(): Resources {
    return this.#admission.ledger.reserved;
  }

  /** What the monitor measured last; `undefined` before. */
  get measurement(): Measurement | undefined {
    return this.#admission.ledger.measurement;
  }

  /** How many requests wait. */
  get waiting(): number {
    return this.#admission.queue.length;
  }

  /** Whether a request has no answer yet: it waits, others are evicted for it, or the monitor is asked before it is decided about. */
  get isAsked(): boolean {
    return !this.#admission.queue.empty;
  }

  /** How many requests others are being evicted for. */
  get evicting(): number {
    return this.#admission.evictions.size;
  }

  /** The most GPU memory that a plugin with this need can ever be given, in MiB. */
  mostVramMb(need: Need): number {
    return this.#admission.ledger.gpus.mostVramMb(need);
  }

  /** What is free for a plugin, less what is kept back for others. */
  freeFor(plugin: string): Resources {
    const { ledger, evictions } = this.#admission;
    return ledger.available(evictions.held(residentKey({ plugin })));
  }

  /** Every reservation, in no particular order. */
  reservations(): Iterable<Reservation> {
    return this.#admission.ledger;
  }

  /** What a plugin has reserved, for each of its workers. */
  reservationsOf(plugin: string): readonly Reservation[] {
    return this.#admission.ledger.of(residentKey({ plugin }));
  }

  /** The request of a plugin, while it waits. */
  requestOf(plugin: string): Request | undefined {
    return this.#admission.queue.get(residentKey({ plugin }));
  }

  /** What a request would come to that was made now; `ref` is never told. */
  prospectOf(asking: Asking, ref: AnyActorRef, now: number): Prospect {
    return prospectOf(this.#admission.conclude(asking, ref, now), now);
  }
}
