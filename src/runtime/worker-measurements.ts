import type { PluginContext } from '../machines/plugin.ts';
import type { SystemMonitor } from '../measure/system-monitor.ts';
import type { readTreeMemory } from '../measure/tree-memory.ts';
import type { Resources } from '../scheduler/need.ts';
import type { Scheduling } from './scheduling.ts';

/** Measures workers before they end or give up their resources, so that the scheduler knows what they need. */
export class WorkerMeasurements {
  readonly #scheduling: Scheduling;
  readonly #systemMonitor: SystemMonitor;
  readonly #memoryOf: typeof readTreeMemory;

  constructor(scheduling: Scheduling, systemMonitor: SystemMonitor, memoryOf: typeof readTreeMemory) {
    this.#scheduling = scheduling;
    this.#systemMonitor = systemMonitor;
    this.#memoryOf = memoryOf;
  }

  /** Measures the most that a worker has used, once it has had a call. Never rejects. */
  async learn(context: PluginContext, generation: number): Promise<void> {
    const slot = context.workers.find((held) => held.generation === generation);
    if (slot?.pid === undefined || slot.residency?.served !== true || context.settings.need.ramMb === 0) return;
    const memory = await this.#memory(slot.pid);
    if (memory !== undefined) this.#scheduling.learn(context, memory);
  }

  /** Has the current worker give up its resources; resolves to what it keeps, or to undefined if it gave up none. */
  async release(context: PluginContext, signal: AbortSignal): Promise<Resources | undefined> {
    const slot = context.workers.find(({ generation }) => generation === context.current);
    if (slot?.residency === undefined) return undefined;
    await this.learn(context, slot.generation);
    signal.throwIfAborted();
    const hasReleased = await slot.residency.channel.release?.(signal);
    if (hasReleased !== true) return undefined;
    if (slot.pid === undefined) return this.#scheduling.keptBy(context, undefined, 0);
    const [memory, vramMb] = await Promise.all([this.#memory(slot.pid), this.#systemMonitor.gpuUseOf(slot.pid)]);
    return this.#scheduling.keptBy(context, memory, vramMb);
  }

  /** A measurement that fails says nothing. */
  #memory(pid: number): ReturnType<typeof readTreeMemory> {
    return this.#memoryOf(pid).catch(() => undefined);
  }
}
