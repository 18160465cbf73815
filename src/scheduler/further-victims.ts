import type { Ledger } from './ledger.ts';
import type { Resident } from './resident.ts';
import { type ResidentKey, residentKey } from './resident-key.ts';

/**
 * Who may leave for a further instance in one decision: surplus instances of other plugins, each of which has at least
 * as many left as the plugin that asks has then. Were it fewer, that one would ask for its instance back, and two
 * plugins with a fixed number would evict each other without end.
 */
export class FurtherVictims {
  readonly #asking: ResidentKey;
  readonly #ledger: Ledger;
  /** How many instances the plugin that asks will have. */
  readonly #count: number;
  /** How many a plugin has left, by those that were taken. */
  readonly #left = new Map<ResidentKey, number>();

  constructor(asking: { readonly plugin: string }, ledger: Ledger) {
    this.#asking = residentKey(asking);
    this.#ledger = ledger;
    this.#count = ledger.instancesOf(this.#asking) + 1;
  }

  /** Whether this one may leave beside those that were taken; if so, it is taken. */
  take(resident: Resident): boolean {
    const key = residentKey(resident);
    if (!resident.surplus || key === this.#asking) return false;
    const left = (this.#left.get(key) ?? this.#ledger.instancesOf(key)) - 1;
    if (left < this.#count) return false;
    this.#left.set(key, left);
    return true;
  }
}
