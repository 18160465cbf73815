import type { PluginRecord } from '../../runtime/plugin-record.ts';

/** What the process trees of workers took when they were last measured, in MiB. A figure is that process's alone. */
export class WorkerMemory {
  /** By the plugin and the process, the latest last. */
  readonly #measured = new Map<string, Map<number, number>>();

  /** Takes in a figure. Returns whether it is another one than before; false as well where the process is no worker's. */
  note(record: PluginRecord, pid: number, memoryMb: number): boolean {
    const { plugin, context } = record;
    if (!context.workers.some((worker) => worker.pid === pid)) return false;
    const own = this.#measured.get(plugin) ?? new Map<number, number>();
    this.#measured.set(plugin, own);
    for (const known of own.keys()) if (!context.workers.some((worker) => worker.pid === known)) own.delete(known);
    const isNew = own.get(pid) !== memoryMb;
    own.delete(pid);
    own.set(pid, memoryMb);
    return isNew;
  }

  /** What a plugin takes: of several instances the sum, else the figure of the worker that was measured last. */
  of({ plugin, context, tellsInstances }: PluginRecord): number | undefined {
    const own = this.#measured.get(plugin) ?? [];
    const figures = [...own].flatMap(([pid, memoryMb]) =>
      context.workers.some((worker) => worker.pid === pid) ? memoryMb : [],
    );
    if (!tellsInstances || figures.length === 0) return figures.at(-1);
    return Math.round(figures.reduce((sum, figure) => sum + figure, 0) * 10) / 10;
  }

  /** The figure of one process of a plugin. */
  ofProcess(plugin: string, pid: number | undefined): number | undefined {
    return pid === undefined ? undefined : this.#measured.get(plugin)?.get(pid);
  }

  /** Forgets a plugin that is gone. */
  forget(plugin: string): void {
    this.#measured.delete(plugin);
  }

  clear(): void {
    this.#measured.clear();
  }
}
