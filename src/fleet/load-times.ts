import { nextMean } from '../jobs/runner/depth.ts';
import type { Supervisor } from '../runtime/supervisor.ts';
import type { TransitionEvent } from '../runtime/supervisor-events.ts';
import type { Clock } from '../time/clock.ts';

/** How long plugins take to load, as was seen. */
export class LoadTimes {
  readonly #clock: Clock;
  readonly #began = new Map<string, number>();
  readonly #means = new Map<string, number>();
  readonly #stop: () => void;

  constructor(supervisor: Supervisor, clock: Clock) {
    this.#clock = clock;
    this.#stop = supervisor.on('transition', (event) => this.#note(event));
  }

  /** The mean of the last loads in milliseconds; undefined: none was seen. */
  of(plugin: string): number | undefined {
    return this.#means.get(plugin);
  }

  close(): void {
    this.#stop();
  }

  #note({ plugin, to, phase }: TransitionEvent): void {
    // Waiting for memory is no part of a load.
    if (to === 'spawning') {
      if (phase !== 'admitting' && !this.#began.has(plugin)) this.#began.set(plugin, this.#clock.monotonic());
      return;
    }
    const began = this.#began.get(plugin);
    this.#began.delete(plugin);
    if (began === undefined || (to !== 'ready' && to !== 'busy')) return;
    this.#means.set(plugin, nextMean(this.#means.get(plugin), this.#clock.monotonic() - began));
  }
}
