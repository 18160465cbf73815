/** The calls that a worker runs, by plugin, in the order in which they came to run: nobody has to look through all of them. */
export class RunningCalls<Call> {
  readonly #plugins = new Map<string, Set<Call>>();

  /** A worker of the plugin runs the call from now on; nothing changes where one does already. */
  add(plugin: string, call: Call): void {
    const calls = this.#plugins.get(plugin);
    if (calls === undefined) this.#plugins.set(plugin, new Set([call]));
    else calls.add(call);
  }

  /** It has ended, or waits again. */
  remove(plugin: string, call: Call): void {
    const calls = this.#plugins.get(plugin);
    if (calls?.delete(call) === true && calls.size === 0) this.#plugins.delete(plugin);
  }

  /** The call of a plugin that has run for longest, and how many run beside it; undefined where none does. */
  longest(plugin: string): { readonly call: Call; readonly others: number } | undefined {
    const calls = this.#plugins.get(plugin);
    if (calls === undefined) return undefined;
    const [call] = calls as Set<Call> & [Call];
    return { call, others: calls.size - 1 };
  }

  clear(): void {
    this.#plugins.clear();
  }
}
