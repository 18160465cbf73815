import { LeaseEdges } from '../../src/calls/lease-edges.ts';
import { LeaseGate } from '../../src/calls/lease-gate.ts';
import { SimulatedClock } from '../simulation/clock.mjs';
import { type Caller, PluginBench } from './plugin-bench.ts';

/** The generations in order. */
export const sorted = (generations: readonly (number | undefined)[]): (number | undefined)[] =>
  generations.toSorted((a = 0, b = 0) => a - b);

/** A plugin machine that may have several instances; each takes one call at a time. */
export class InstancesBench extends PluginBench {
  readonly #edges: SimulatedClock;

  constructor(instances: unknown = { max: 3, idle_ms: 8_000 }, manifest: Record<string, unknown> = {}) {
    const clock = new SimulatedClock();
    const edges = new LeaseEdges({ clock, isWaitedFor: () => false, onPending: () => {} });
    super({ instances, ...manifest }, { makeGate: (announce) => new LeaseGate('p', announce, edges) });
    this.#edges = clock;
    this.gate.limit(this.context.settings);
  }

  /** Time passes for the machine and its gate. */
  pass(ms: number): void {
    for (let passed = 0; passed < ms; passed += 5) {
      const step = Math.min(5, ms - passed);
      this.#edges.pass(step);
      this.clock.pass(step);
    }
  }

  /** Time passes until something is due in the machine or its gate; `false` if nothing is. */
  passToNext(): boolean {
    const due = Math.min(this.#edges.next ?? Infinity, this.clock.next ?? Infinity);
    if (due === Infinity) return false;
    this.#edges.pass(due);
    this.clock.pass(due);
    return true;
  }

  /** A further instance is granted, starts and is ready. */
  join(generation = this.context.asked as number): void {
    this.granted(generation);
    this.connected(generation);
    this.ready(generation);
  }

  /** So many calls come, and have waited for long where they wait. */
  async burst(count: number): Promise<Caller[]> {
    const calls = Array.from({ length: count }, () => this.call());
    this.pass(110);
    await Promise.resolve();
    return calls;
  }

  /** It serves with so many instances, each with a call; nothing was told since. */
  static async serving(count: number, ...parts: ConstructorParameters<typeof InstancesBench>): Promise<InstancesBench> {
    const bench = new InstancesBench(...parts);
    bench.call();
    bench.granted();
    bench.connected();
    bench.ready();
    for (let made = 1; made < count; made += 1) {
      if (bench.context.asked === undefined) await bench.burst(1);
      bench.join();
    }
    bench.pass(20);
    bench.told = [];
    return bench;
  }

  /** What the scheduler, the supervisor and the workers were told since the last look. */
  news(): readonly string[] {
    return this.told.splice(0);
  }

  /** The current instance, then those beside it. */
  get instances(): readonly (number | undefined)[] {
    return [this.context.current, ...this.context.siblings];
  }

  /** Where each call is that runs. */
  get running(): readonly number[] {
    return this.callers.flatMap(({ at }) => (at === undefined ? [] : [at.generation]));
  }
}
