/** Into how many parts the time that is looked back on is cut. */
export const DEMAND_PARTS = 8;

/**
 * The most calls at once in the recent past, kept as one figure for each part of that time: it is exact to one part,
 * late rather than early.
 */
export class DemandWindow {
  readonly #most = Array.from({ length: DEMAND_PARTS + 1 }, () => 0);
  #part = 0;

  /** So many calls are at the plugin now. */
  note(count: number): void {
    if (count > (this.#most[this.#part] as number)) this.#most[this.#part] = count;
  }

  /** The most that were noted. */
  get most(): number {
    return Math.max(...this.#most);
  }

  /** Another part of the time has passed; so many calls are at the plugin. The oldest part is forgotten. */
  turn(count: number): void {
    this.#part = (this.#part + 1) % this.#most.length;
    this.#most[this.#part] = count;
  }
}
