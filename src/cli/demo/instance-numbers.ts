/** Numbers the instances of plugins from 1: each has the lowest number that no other one of its plugin has. */
export class InstanceNumbers {
  /** The generations that have each number, by plugin. */
  readonly #holders = new Map<string, (number | undefined)[]>();

  /** The number of this instance, until it is freed. */
  of(plugin: string, generation: number): number {
    const holders = this.#holders.get(plugin) ?? [];
    this.#holders.set(plugin, holders);
    const held = holders.indexOf(generation);
    if (held >= 0) return held + 1;
    const free = holders.indexOf(undefined);
    const index = free >= 0 ? free : holders.length;
    holders[index] = generation;
    return index + 1;
  }

  /** The instance has ended. */
  free(plugin: string, generation: number): void {
    const holders = this.#holders.get(plugin) ?? [];
    const index = holders.indexOf(generation);
    if (index >= 0) holders[index] = undefined;
  }

  /** How many instances the plugin had at most at once. */
  most(plugin: string): number {
    return this.#holders.get(plugin)?.length ?? 0;
  }
}
