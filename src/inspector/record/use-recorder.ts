import type { PluginRecord } from '../../runtime/plugin-record.ts';
import { pluginId } from './actor-ids.ts';
import type { PluginRecorder } from './plugin-recorder.ts';
import type { RecorderParts } from './recorder-parts.ts';
import { type Measured, WorkerWatch } from './worker-watch.ts';

/** How often the GPUs are asked while somebody looks, in milliseconds: their driver's tool is a process each time. */
const GPU_MS = 10_000;

/** Records what workers use: in rates always, and while somebody looks in the contexts of plugins and in records too. */
export class UseRecorder {
  readonly #parts: RecorderParts;
  readonly #plugins: PluginRecorder;
  readonly #watch: WorkerWatch;
  /** What was last told of each plugin; undefined while nobody looks. */
  #told: Map<string, number> | undefined;
  #gpusAt = -Infinity;

  constructor(parts: RecorderParts, plugins: PluginRecorder) {
    const { subject, faults } = parts;
    this.#parts = parts;
    this.#plugins = plugins;
    this.#watch = new WorkerWatch({
      workers: () =>
        [...subject.records.values()].flatMap((record) =>
          measuredOf(record).map((pid) => ({ plugin: record.plugin, pid })),
        ),
      onUse: (measured, { memoryMb, cpuPercent }) => {
        parts.rates.noteUse(measured.plugin, memoryMb, cpuPercent);
        if (this.#told !== undefined) this.#tell(measured, memoryMb, this.#told);
      },
      onRound: () => this.#onRound(),
      onError: (error) => faults.report(error),
    });
  }

  /** Somebody looks from now on, or nobody does. */
  look(isLooking: boolean): void {
    this.#told = isLooking ? new Map() : undefined;
    if (!isLooking) this.#parts.present.memory.clear();
    this.#watch.look(isLooking);
  }

  close(): void {
    this.#watch.stop();
  }

  #onRound(): void {
    const { rates, subject } = this.#parts;
    const { clock, systemMonitor } = subject;
    rates.sample(clock.now());
    const { gpus } = systemMonitor;
    // Where there were none, there will be none.
    if (this.#told === undefined || gpus?.length === 0 || clock.monotonic() - this.#gpusAt < GPU_MS) return;
    this.#gpusAt = clock.monotonic();
    void systemMonitor.findGpus();
  }

  #tell({ plugin, pid }: Measured, memoryMb: number, told: Map<string, number>): void {
    const { subject, present, pending } = this.#parts;
    const record = subject.records.get(plugin);
    // It may have ended since the round began.
    if (record === undefined) return;
    if (present.memory.note(record, pid, memoryMb)) this.#plugins.touch(plugin);
    // Of several workers the sum is told once a round.
    if (record.tellsInstances && pid !== measuredOf(record).at(-1)) return;
    const sum = present.memory.of(record);
    if (sum === undefined || told.get(plugin) === sum) return;
    told.set(plugin, sum);
    pending.add({ kind: 'memory', at: subject.clock.now(), actor: pluginId(plugin), memoryMb: sum });
  }
}

/** The processes of a plugin that are measured: of several instances each, else that of its worker. */
function measuredOf(record: PluginRecord): number[] {
  const { workers, current } = record.context;
  return workers.flatMap(({ generation, pid }) =>
    pid !== undefined && (record.tellsInstances || generation === current) ? pid : [],
  );
}
