import type { Ledger } from './ledger.ts';
import type { Resident } from './resident.ts';
import { type ResidentKey, residentKey } from './resident-key.ts';

/**
 * Who may leave for a further instance in one decision: surplus instances of other plugins that do not ask for them back
 * at once, or two plugins would take them from each other in turns, without end. So each has at least as many left as
 * the plugin that asks has then; of idle ones it is enough that as many are left as its manifest wants at least.
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

  /** Whether this one may leave beside those that were taken. */
  allows(resident: Resident): boolean {
    const key = residentKey(resident);
    if (!resident.surplus || key === this.#asking) return false;
    const left = this.#leftWithout(key);
    const isMissed = resident.standing === 'busy' || left < (resident.need.instances ?? 1);
    return !isMissed || left >= this.#count;
  }

  /** The same; if so, it is taken. */
  take(resident: Resident): boolean {
    if (!this.allows(resident)) return false;
    const key = residentKey(resident);
    this.#left.set(key, this.#leftWithout(key));
    return true;
  }

  #leftWithout(key: ResidentKey): number {
    return (this.#left.get(key) ?? this.#ledger.instancesOf(key)) - 1;
  }
}
