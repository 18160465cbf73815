import { z } from 'zod';
import { GreenroomError } from '../errors.ts';
import { visibleGpus } from '../scheduler/gpus/placement.ts';
import type { Measurement } from '../scheduler/measurement.ts';
import { zodMessages } from '../text/zod-messages.ts';
import type { Clock } from '../time/clock.ts';
import { LatestReading, type Reading } from './latest-reading.ts';
import { createNvidiaSmi, type NvidiaSmi } from './nvidia-smi.ts';
import type { Gpu, GpuProcess } from './nvidia-smi-output.ts';
import { readSystemMemory, type SystemMemory } from './system-memory.ts';
import type { SystemStats } from './system-stats.ts';
import { readTreeMemories, type TreeMemory } from './tree-memory.ts';
import { type RunningWorker, workerUse } from './worker-use.ts';

const figure = z.number().nonnegative();
const unknownIfAbsent = figure.nullish().transform((value) => value ?? undefined);
const knownOrNull = figure.nullish().transform((value) => value ?? null);

/** What a registered source says; figures may be left out. */
const registeredStats = z.object({
  memoryTotalMb: unknownIfAbsent,
  memoryAvailableMb: unknownIfAbsent,
  gpuTotalMb: unknownIfAbsent,
  gpuFreeMb: unknownIfAbsent,
  gpus: z
    .array(
      z.object({
        uuid: z.string(),
        index: z.number().int().nonnegative(),
        name: z.string().default(''),
        totalMb: knownOrNull,
        freeMb: knownOrNull,
        usedMb: knownOrNull,
      }),
    )
    .nullish()
    .transform((gpus) => gpus ?? []),
});

/** What is read of the machine. Each may throw or reject. */
export interface MachineReader {
  memory(): SystemMemory | Promise<SystemMemory>;
  readonly gpus: NvidiaSmi;
  /** The memory of the trees under these processes, of those that it can be told of. */
  trees(pids: readonly number[]): Promise<ReadonlyMap<number, TreeMemory>>;
}

/** What the monitor needs of the runtime. */
export interface SystemMonitorInput {
  readonly clock: Clock;
  /** The host's own `CUDA_VISIBLE_DEVICES`: the memory of other GPUs does not count as free. */
  readonly hostDevices?: string | undefined;
  /** Reads the machine; by default the real one. */
  readonly machine?: MachineReader | undefined;
  /** The workers there are. */
  workers(): readonly RunningWorker[];
  /** Hears of a source that fails. */
  onProblem(message: string): void;
}

interface GpuReading {
  readonly gpus: readonly Gpu[];
  readonly processes: readonly GpuProcess[];
}

/** After this long a figure says nothing any more, in milliseconds: the machine is taken not to tell it. */
const STALE_MS = 60_000;

/**
 * Where the figures of memory come from: built in are the machine and its control groups, `nvidia-smi`, and the process
 * trees of the workers. What somebody registers counts before the built-in figures, for as much as it tells.
 */
export class SystemMonitor {
  readonly #input: SystemMonitorInput;
  readonly #memory: LatestReading<SystemMemory>;
  readonly #gpus: LatestReading<GpuReading>;
  readonly #trees: LatestReading<ReadonlyMap<number, TreeMemory>>;
  #name = 'built-in';
  #read: (() => Promise<SystemStats>) | undefined;
  #registered: LatestReading<SystemStats> | undefined;

  constructor(input: SystemMonitorInput) {
    const { machine = realMachine() } = input;
    this.#input = input;
    this.#memory = this.#source('The memory', () => machine.memory());
    this.#gpus = this.#source('The GPUs', async () => {
      const [gpus, processes] = await Promise.all([machine.gpus.gpus(), machine.gpus.processes()]);
      return { gpus, processes };
    });
    this.#trees = this.#source('The memory of the workers', () => machine.trees(input.workers().map(({ pid }) => pid)));
  }

  /** `built-in`, `custom`, or the name of the plugin. */
  get name(): string {
    return this.#name;
  }

  /** Registers a source of figures in place of the one before. What it says is looked at each time it is read. */
  use(name: string, read: () => Promise<unknown>): void {
    this.#name = name;
    const checked = async (): Promise<SystemStats> => {
      const { data, error } = registeredStats.safeParse(await read(), { error: zodMessages('field') });
      if (data !== undefined) return data;
      const [issue] = error.issues;
      const where = issue === undefined || issue.path.length === 0 ? 'its answer' : issue.path.join('.');
      throw new GreenroomError(
        'E_OPTIONS',
        `The system monitor "${name}" returned invalid figures: ${where}: ${issue?.message}.`,
      );
    };
    this.#read = checked;
    this.#registered = this.#source(`The system monitor "${name}"`, checked);
  }

  /** What the registered source says now, else the built-in ones. Rejects as the registered one does. */
  async read(): Promise<SystemStats> {
    if (this.#read !== undefined) return await this.#read();
    const since = this.#input.clock.monotonic();
    await Promise.all([this.#memory.refresh(), this.#gpus.refresh()]);
    const memory = valueSince(this.#memory.last, since);
    const gpus = valueSince(this.#gpus.last, since)?.gpus ?? [];
    return {
      memoryTotalMb: memory?.totalMb,
      memoryAvailableMb: memory?.availableMb,
      gpuTotalMb: sumOfKnown(gpus.map(({ totalMb }) => totalMb)),
      gpuFreeMb: sumOfKnown(gpus.map(({ freeMb }) => freeMb)),
      gpus,
    };
  }

  /** What the tree under this process uses of the GPUs' memory now, in MiB; 0 where nobody decides by measurements. */
  async gpuUseOf(pid: number): Promise<number> {
    if (this.#trees.last === undefined) return 0;
    await Promise.all([this.#trees.refresh(), this.#gpus.refresh()]);
    const worker = { plugin: '', generation: 0, pid };
    const [use] = workerUse([worker], this.#trees.last.value, this.#gpus.last?.value.processes ?? []);
    return Math.ceil(use?.vramMb ?? 0);
  }

  /** The GPUs as they were last read; undefined where they never were. */
  get gpus(): readonly Gpu[] | undefined {
    return this.#gpus.last?.value.gpus;
  }

  /** Reads which GPUs there are. Never rejects. */
  async findGpus(): Promise<void> {
    await this.#gpus.refresh();
  }

  async refresh(): Promise<void> {
    const sources = [this.#memory, this.#gpus, this.#trees, this.#registered].filter((source) => source !== undefined);
    await Promise.all(sources.map((source) => source.refresh()));
  }

  measurement(): Measurement {
    const now = this.#input.clock.monotonic();
    const readings: Reading<unknown>[] = [];
    const recent = <T>(source: LatestReading<T> | undefined): T | undefined => {
      const reading = source?.last;
      if (reading === undefined || now - reading.at > STALE_MS) return undefined;
      readings.push(reading);
      return reading.value;
    };
    const registered = recent(this.#registered);
    const gpus = recent(this.#gpus);
    const trees = recent(this.#trees);
    const ramMb = registered?.memoryAvailableMb ?? recent(this.#memory)?.availableMb;
    const told = registered === undefined || registered.gpus.length === 0 ? undefined : registered.gpus;
    const isSum = registered?.gpuFreeMb !== undefined && told === undefined;
    const free = isSum ? undefined : this.#freeOf(told ?? gpus?.gpus ?? []);
    return {
      free: { ramMb, vramMb: registered?.gpuFreeMb ?? sumOfKnown(Object.values(free ?? {})), gpus: free },
      // Which GPUs there are stays true for longer than how much of them is free.
      gpus: isSum ? undefined : (told ?? this.#gpus.last?.value.gpus),
      used: trees === undefined ? [] : workerUse(this.#input.workers(), trees, gpus?.processes ?? []),
      at: Math.min(now, ...readings.map(({ at }) => at)),
    };
  }

  /** What is free of each GPU that the host sees, as far as they tell it; `undefined` where none does. */
  #freeOf(gpus: readonly Gpu[]): Record<string, number> | undefined {
    const visible = visibleGpus(
      this.#input.hostDevices,
      gpus.map(({ uuid }) => uuid),
    );
    const free = gpus.flatMap(({ uuid, freeMb }) =>
      freeMb === null || !visible.includes(uuid) ? [] : [[uuid, freeMb] as const],
    );
    return free.length === 0 ? undefined : Object.fromEntries(free);
  }

  #source<T>(what: string, read: () => T | Promise<T>): LatestReading<T> {
    return new LatestReading(read, this.#input.clock, (message) =>
      this.#input.onProblem(`${what} cannot be read, so decisions go by what was read last: ${message}`),
    );
  }
}

function realMachine(): MachineReader {
  return { memory: () => readSystemMemory(), gpus: createNvidiaSmi(), trees: readTreeMemories };
}

/** What monitors of the system we replace answer to `get_system_status`: a flat object of figures in MiB. */
export function statsOfPlugin(answer: unknown): SystemStats {
  const status = answer as Record<string, unknown> | null | undefined;
  const figure = (key: string): number | undefined => (typeof status?.[key] === 'number' ? status[key] : undefined);
  return {
    memoryTotalMb: figure('memory_total_mb'),
    memoryAvailableMb: figure('memory_available_mb'),
    gpuTotalMb: figure('gpu_total_memory_mb'),
    gpuFreeMb: figure('gpu_free_memory_mb'),
    gpus: [],
  };
}

function valueSince<T>(reading: Reading<T> | undefined, since: number): T | undefined {
  return reading !== undefined && reading.at >= since ? reading.value : undefined;
}

/** Undefined where none of them is known. */
function sumOfKnown(figures: readonly (number | null)[]): number | undefined {
  const known = figures.filter((figure) => figure !== null);
  return known.length === 0 ? undefined : known.reduce((sum, figure) => sum + figure, 0);
}
