import { sumOf } from './gpus/gpu-amounts.ts';
import type { GpuPool } from './gpus/gpu-pool.ts';
import type { Measurement } from './measurement.ts';
import { minus, NOTHING, notNegative, plus, type Resources, UNLIMITED } from './need.ts';
import type { Reservation } from './reservation.ts';

/** Memory given up within this long of each other is counted together, in milliseconds. */
const GIVEN_UP_TOGETHER_MS = 5_000;

/**
 * What the monitor measured as free, and how far the figures lag behind the reservations: what loading workers will
 * still take, and what was given up lately and may not be seen free yet.
 */
export class MeasuredMemory {
  #last: Measurement | undefined;
  /** What is measured as free; unknown amounts are not limited. */
  #free: Resources = UNLIMITED;
  readonly #loading = new Set<Reservation>();
  /** The sum of what loading workers will still take. */
  #unseen: Resources = NOTHING;
  #freedAt = -Infinity;
  #givenUp: Resources = NOTHING;

  /** The last measurement, if there was one. */
  get last(): Measurement | undefined {
    return this.#last;
  }

  /** When memory was last given up that a measurement may have shown as taken, in milliseconds by the monotonic clock. */
  get freedAt(): number {
    return this.#freedAt;
  }

  /** What was given up at that time and shortly before. */
  get givenUp(): Resources {
    return this.#givenUp;
  }

  /** Measured as free, with `unseen` added, less what loading workers will still take; `undefined` if never measured. */
  freeWith(unseen: Resources): Resources | undefined {
    return this.#last === undefined ? undefined : minus(plus(this.#free, unseen), this.#unseen);
  }

  /** Takes in a measurement. */
  measure(measurement: Measurement, pool: GpuPool): void {
    this.#last = measurement;
    const { vramMb = Infinity, ramMb = Infinity, gpus } = measurement.free;
    const each = pool.freeOf(gpus);
    // With figures for each GPU, GPUs that do not count or have no figure make the sum another.
    const isKnown = each !== undefined && gpus !== undefined;
    this.#free = { vramMb: isKnown ? sumOf(each) : vramMb, ramMb, slots: Infinity, gpus: each };
  }

  /** Loaded workers are in the last measurement, and loading ones with as much as their processes use. */
  settle(at: number): void {
    for (const reservation of this.#loading) {
      const { settledAt, need, used } = reservation;
      const isLoaded = settledAt !== undefined && settledAt <= at;
      this.expect(reservation, isLoaded ? NOTHING : notNegative(minus(need, used ?? NOTHING)));
    }
  }

  /** This much of a reservation is not in the figures yet. */
  expect(reservation: Reservation, unseen: Resources): void {
    this.#unseen = plus(minus(this.#unseen, reservation.unseen), unseen);
    reservation.unseen = unseen;
    if (unseen === NOTHING) this.#loading.delete(reservation);
    else this.#loading.add(reservation);
  }

  /** A reservation gives up all but `kept`. */
  giveUp({ settledAt, need }: Reservation, kept: Resources, now: number): void {
    // Memory that had not loaded was not measured as taken either.
    if (settledAt === undefined) return;
    const before = now - this.#freedAt > GIVEN_UP_TOGETHER_MS ? NOTHING : this.#givenUp;
    this.#givenUp = plus(before, notNegative(minus(need, kept)));
    this.#freedAt = now;
  }
}
