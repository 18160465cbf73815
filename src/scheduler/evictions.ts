import type { Ledger, Reservation } from './ledger.ts';
import { type GpuAmounts, smaller, sumOf } from './gpus/gpu-amounts.ts';
import { fits, least, minus, NOTHING, notNegative, plus, type Resources } from './need.ts';
import type { Request } from './waiting-queue.ts';

/** Room kept back for one request, and the residents that are told to go for it. */
interface Earmark {
  readonly victims: Set<Reservation>;
  /** What its victims have given up; `undefined` while nobody has. */
  gained: Resources | undefined;
  /** The sum of what the victims hold. */
  coming: Resources;
  /** What is kept back of the free room, so that it and what is coming satisfy the request. */
  held: Resources;
  /** On which GPUs that is. */
  place: GpuAmounts | undefined;
}

/** The evictions in flight and the room earmarked for requesters. */
export class Evictions {
  readonly #byPlugin = new Map<string, Earmark>();
  readonly #requesters = new Map<Reservation, Request['plugin']>();
  #held: Resources = NOTHING;
  #size = 0;

  /** How many requesters have victims that have not answered. */
  get size(): number {
    return this.#size;
  }

  /** What is kept back for requesters, other than this one if one is named. */
  held(except?: string): Resources {
    const own = except === undefined ? undefined : this.#byPlugin.get(except)?.held;
    return own === undefined ? this.#held : minus(this.#held, own);
  }

  /** What the victims told to go for this requester hold; `undefined` when no victim is left to wait for. */
  coming(plugin: string): Resources | undefined {
    const earmark = this.#byPlugin.get(plugin);
    return earmark === undefined || earmark.victims.size === 0 ? undefined : earmark.coming;
  }

  /** Whether room is earmarked for this requester. */
  has(plugin: string): boolean {
    return this.#byPlugin.has(plugin);
  }

  /** What victims have given up for this requester; `undefined` when nobody has. */
  gained(plugin: string): Resources | undefined {
    return this.#byPlugin.get(plugin)?.gained;
  }

  /** On which GPUs there is to be room for this requester, in MiB; `undefined` where they are not told apart. */
  placeOf(plugin: string): GpuAmounts | undefined {
    return this.#byPlugin.get(plugin)?.place;
  }

  /** Those that were told to go for this requester and have not answered. */
  victimsOf(plugin: string): Iterable<Reservation> {
    return this.#byPlugin.get(plugin)?.victims ?? [];
  }

  /** For whom this victim makes room. */
  requesterOf(victim: Reservation): string | undefined {
    return this.#requesters.get(victim);
  }

  /** Adds victims to those who make room for the request. */
  add(request: Request, victims: readonly Reservation[]): void {
    const earmark = this.#earmark(request);
    earmark.place = undefined;
    if (earmark.victims.size === 0 && victims.length > 0) this.#size += 1;
    for (const victim of victims) {
      earmark.victims.add(victim);
      earmark.coming = plus(earmark.coming, victim.need);
      this.#requesters.set(victim, request.plugin);
    }
  }

  /** A victim has answered, and keeps this much of what it holds. Call it before the ledger hears of it. */
  answered(victim: Reservation, keeps: Resources = victim.need): void {
    const plugin = this.#requesters.get(victim);
    if (plugin === undefined) return;
    this.#requesters.delete(victim);
    const earmark = this.#byPlugin.get(plugin);
    if (earmark === undefined) return;
    earmark.victims.delete(victim);
    if (earmark.victims.size === 0) this.#size -= 1;
    earmark.coming = minus(earmark.coming, victim.need);
    if (keeps !== victim.need) earmark.gained = plus(earmark.gained ?? NOTHING, minus(victim.need, keeps));
  }

  /**
   * Keeps back for the request what it needs beside what is coming, as far as there is that much. Returns whether
   * others get back some of what was kept from them.
   */
  hold(request: Request, ledger: Ledger): boolean {
    const earmark = this.#earmark(request);
    const former = earmark.held;
    this.#held = minus(this.#held, former);
    const own = ledger.get(request.plugin, request.generation);
    const there = plus(own?.need ?? NOTHING, earmark.coming);
    // Not by what is measured as free: what is given up now and seen later is not to go to others meanwhile.
    const unreserved = ledger.unreserved(this.#held);
    const wanted = ledger.gpus.placed(ledger.gpus.demandOf(request.need, own?.gpus), ledger.pinned, () => [
      // On which GPU is: what others have taken there is not to be had.
      plus(ledger.available(this.#held, earmark.gained), there),
      plus(unreserved, there),
    ]);
    earmark.place = furthest(earmark.place, wanted.gpus, plus(unreserved, there).gpus);
    const missing = notNegative(minus({ ...wanted, gpus: earmark.place }, there));
    const held = least(missing, unreserved);
    earmark.held = held.gpus === undefined ? held : { ...held, vramMb: Math.min(held.vramMb, sumOf(held.gpus)) };
    this.#held = plus(this.#held, earmark.held);
    const back = minus(former, earmark.held);
    return !fits(back, NOTHING) || Object.values(back.gpus ?? {}).some((mb) => mb > 0);
  }

  /** The requester needs no room any more. Its victims go all the same. */
  delete(plugin: string): void {
    const earmark = this.#byPlugin.get(plugin);
    if (earmark === undefined) return;
    this.#byPlugin.delete(plugin);
    if (earmark.victims.size > 0) this.#size -= 1;
    for (const victim of earmark.victims) this.#requesters.delete(victim);
    this.#held = minus(this.#held, earmark.held);
  }

  #earmark({ plugin }: Request): Earmark {
    let earmark = this.#byPlugin.get(plugin);
    if (earmark === undefined) {
      earmark = { victims: new Set(), gained: undefined, coming: NOTHING, held: NOTHING, place: undefined };
      this.#byPlugin.set(plugin, earmark);
    }
    return earmark;
  }
}

/** The former place, unless the other has more of what is wanted: moved to and fro, room would never add up. */
function furthest(
  former: GpuAmounts | undefined,
  other: GpuAmounts | undefined,
  room: GpuAmounts | undefined,
): GpuAmounts | undefined {
  if (former === undefined || other === undefined || sumOf(former) !== sumOf(other)) return other;
  const reach = (place: GpuAmounts): number => sumOf(smaller(place, room) ?? place);
  return reach(other) > reach(former) ? other : former;
}
