import type { Ledger, Reservation } from './ledger.ts';
import { least, minus, NOTHING, notNegative, plus, type Resources } from './need.ts';
import type { Request } from './waiting-queue.ts';

/** Room being made for one request. */
interface Eviction {
  readonly victims: Set<Reservation>;
  /** The sum of what the victims hold. */
  coming: Resources;
  /** What is kept back of the free room, so that it and what is coming satisfy the request. */
  held: Resources;
}

/** The evictions in flight, each with the room earmarked for its requester. */
export class Evictions {
  readonly #byPlugin = new Map<string, Eviction>();
  readonly #requesters = new Map<Reservation, Request['plugin']>();
  #held: Resources = NOTHING;

  /** How many requesters have room made for them. */
  get size(): number {
    return this.#byPlugin.size;
  }

  /** What is kept back for requesters, other than this one if one is named. */
  held(except?: string): Resources {
    const own = except === undefined ? undefined : this.#byPlugin.get(except)?.held;
    return own === undefined ? this.#held : minus(this.#held, own);
  }

  /** What the victims told to go for this requester hold; `undefined` when no victim is left to wait for. */
  coming(plugin: string): Resources | undefined {
    const eviction = this.#byPlugin.get(plugin);
    return eviction === undefined || eviction.victims.size === 0 ? undefined : eviction.coming;
  }

  /** Whether room is being made for this requester. */
  has(plugin: string): boolean {
    return this.#byPlugin.has(plugin);
  }

  /** For whom this victim makes room. */
  requesterOf(victim: Reservation): string | undefined {
    return this.#requesters.get(victim);
  }

  /** Adds victims to those who make room for the request. */
  add(request: Request, victims: readonly Reservation[]): void {
    let eviction = this.#byPlugin.get(request.plugin);
    if (eviction === undefined) {
      eviction = { victims: new Set(), coming: NOTHING, held: NOTHING };
      this.#byPlugin.set(request.plugin, eviction);
    }
    for (const victim of victims) {
      eviction.victims.add(victim);
      eviction.coming = plus(eviction.coming, victim.need);
      this.#requesters.set(victim, request.plugin);
    }
  }

  /** A victim has answered. Call it while the victim still holds what it held. */
  answered(victim: Reservation): void {
    const plugin = this.#requesters.get(victim);
    if (plugin === undefined) return;
    this.#requesters.delete(victim);
    const eviction = this.#byPlugin.get(plugin);
    if (eviction === undefined) return;
    eviction.victims.delete(victim);
    eviction.coming = minus(eviction.coming, victim.need);
  }

  /** Keeps back for the request what it needs beside what is coming, as far as there is that much. */
  hold(request: Request, ledger: Ledger): void {
    const eviction = this.#byPlugin.get(request.plugin);
    if (eviction === undefined) return;
    this.#held = minus(this.#held, eviction.held);
    const own = ledger.get(request.plugin, request.generation)?.need ?? NOTHING;
    const missing = notNegative(minus(minus(request.need, own), eviction.coming));
    eviction.held = least(missing, ledger.available(this.#held));
    this.#held = plus(this.#held, eviction.held);
  }

  /** The requester needs no room any more. Its victims go all the same. */
  delete(plugin: string): void {
    const eviction = this.#byPlugin.get(plugin);
    if (eviction === undefined) return;
    this.#byPlugin.delete(plugin);
    for (const victim of eviction.victims) this.#requesters.delete(victim);
    this.#held = minus(this.#held, eviction.held);
  }
}
