import { listProcesses, TreeMeter, treesIn } from '../../measure/process-tree.ts';
import { createTimeSlice } from '../../time/time-slice.ts';

/** How long after one round of measuring the next begins, in milliseconds: while somebody looks, and while nobody does. */
const INTERVAL_MS = { looking: 2_000, alone: 10_000 } as const;

/** A worker whose process tree is to be measured. */
export interface Measured {
  readonly plugin: string;
  readonly pid: number;
}

/** What a process tree uses: MiB, and percent of one processor since it was measured before. */
export interface WorkerUse {
  readonly memoryMb: number;
  readonly cpuPercent: number;
}

/** What the watch works on, and what it tells. */
export interface WorkerWatchInput {
  workers(): readonly Measured[];
  onUse(measured: Measured, use: WorkerUse): void;
  /** A round is over; none of it may be told of, where there are no workers. */
  onRound(): void;
  /** Is told what goes wrong; the next round comes all the same. */
  onError(error: unknown): void;
  readonly list?: typeof listProcesses;
}

/**
 * Measures the process trees of workers, round after round, each round from one listing of the processes and in slices,
 * so that the program's event loop is not held.
 */
export class WorkerWatch {
  readonly #input: WorkerWatchInput;
  readonly #meter = new TreeMeter();
  #isLooking = false;
  #isMeasuring = false;
  #isStopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(input: WorkerWatchInput) {
    this.#input = input;
    this.#wait();
  }

  /** Somebody looks from now on, and a round begins at once; or nobody does. */
  look(isLooking: boolean): void {
    this.#isLooking = isLooking;
    if (isLooking && !this.#isMeasuring) this.#round();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #wait(): void {
    this.#timer = setTimeout(() => this.#round(), this.#isLooking ? INTERVAL_MS.looking : INTERVAL_MS.alone).unref();
  }

  #round(): void {
    clearTimeout(this.#timer);
    this.#isMeasuring = true;
    this.#measure()
      .then(() => {
        if (!this.#isStopped) this.#input.onRound();
      })
      .catch((error: unknown) => this.#input.onError(error))
      .finally(() => {
        this.#isMeasuring = false;
        if (!this.#isStopped) this.#wait();
      });
  }

  async #measure(): Promise<void> {
    const { workers, onUse, list = listProcesses } = this.#input;
    const wanted = workers();
    this.#meter.keep(new Set(wanted.map(({ pid }) => pid)));
    if (wanted.length === 0) return;
    const pause = createTimeSlice();
    const trees = await treesIn(await list(pause), pause);
    for (const each of wanted) {
      await pause();
      if (this.#isStopped) return;
      const { memoryRssMb, cpuPercent } = this.#meter.measure(each.pid, trees.under([each.pid]));
      if (memoryRssMb !== null) onUse(each, { memoryMb: memoryRssMb, cpuPercent: cpuPercent ?? 0 });
    }
  }
}
