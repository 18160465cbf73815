import type { Ledger } from './ledger.ts';
import type { Resident } from './resident.ts';
import { type ResidentKey, residentKey } from './resident-key.ts';

/**
 * For how long a surplus instance has no call before its plugin is taken not to need it, in milliseconds: under a load of
 * short calls each is idle for moments.
 */
export const SPARED_AFTER_MS = 1_000;

/**
 * Who may leave for a further instance in one decision: surplus instances of other plugins that do not ask for them back
 * at once, or two plugins would take them from each other in turns, without end. So each has at least as many left as
 * the plugin that asks has then; of those without a call for a while it is enough that as many are left as their
 * manifest wants at least.
 */
export class FurtherVictims {
  readonly #asking: ResidentKey;
  readonly #ledger: Ledger;
  readonly #now: number;
  /** How many instances the plugin that asks will have. */
  readonly #count: number;
  /** How many a plugin has left, by those that were taken. */
  readonly #left = new Map<ResidentKey, number>();

  /** @param now milliseconds by the monotonic clock */
  constructor(asking: { readonly plugin: string }, ledger: Ledger, now: number) {
    this.#now = now;
    this.#asking = residentKey(asking);
    this.#ledger = ledger;
    this.#count = ledger.instancesOf(this.#asking) + 1;
  }

  /** Whether this one may leave beside those that were taken. */
  allows(resident: Resident): boolean {
    const key = residentKey(resident);
    if (!resident.surplus || key === this.#asking) return false;
    const left = this.#leftWithout(key);
    const isIdle = resident.standing === 'idle' && this.#now - resident.lastUsedAt >= SPARED_AFTER_MS;
    const isMissed = !isIdle || left < (resident.need.instances ?? 1);
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
