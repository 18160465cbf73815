import type { Alert, AlertKind, Json } from '../wire.ts';
import type { Context } from './views.ts';

/** The worst first. */
const ORDER: readonly AlertKind[] = ['given-up', 'hung', 'crashed', 'refused', 'waiting', 'slow', 'manifest'];
/** How many are told of; of the others the number is. */
const MAX_TOLD = 20;

/** What is wrong, as it was last found. */
export class Alerts {
  #told: readonly Alert[] = [];
  #more = 0;

  /** What the supervisor's context says of it; the same list until something else is wrong. */
  get context(): Context {
    return { alerts: this.#told as unknown as Json, moreAlerts: this.#more };
  }

  /** Takes in what is wrong now. Returns whether that is something else than before. */
  update(found: readonly Alert[]): boolean {
    const sorted = found.toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind) || b.at - a.at);
    const told = sorted.slice(0, MAX_TOLD);
    const more = sorted.length - told.length;
    if (more === this.#more && JSON.stringify(told) === JSON.stringify(this.#told)) return false;
    this.#told = told;
    this.#more = more;
    return true;
  }
}
