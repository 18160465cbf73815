import type { PluginState } from '../machines/plugin/phases.ts';
import type { Supervisor } from '../runtime/supervisor.ts';
import type { EvictionEvent, InstanceEvent, TransitionEvent } from '../runtime/supervisor-events.ts';
import type { PluginTallies } from './plugin-tally.ts';

/** What counts of a plugin's states: where it is, and since when it is being loaded, by `performance.now()`. */
interface Watched {
  state: PluginState;
  loadingSince: number | undefined;
  /** The same of its further instances, by their generations. */
  readonly instancesSince: Map<number, number>;
}

/** Counts loads, crashes and evictions by the events of a supervisor. */
export class EventTally {
  readonly #tallies: PluginTallies;
  readonly #watched = new Map<string, Watched>();
  readonly #stops: readonly (() => void)[];

  /** Listens to the supervisor; see {@link close}. */
  constructor(supervisor: Supervisor, tallies: PluginTallies) {
    this.#tallies = tallies;
    this.#stops = [
      supervisor.on('transition', (event) => this.#noteTransition(event)),
      supervisor.on('instance', (event) => this.#noteInstance(event)),
      supervisor.on('eviction', (event) => this.#noteEviction(event)),
    ];
    for (const { name, state } of supervisor.plugins()) this.#watch(name, state);
  }

  close(): void {
    for (const stop of this.#stops) stop();
  }

  #watch(plugin: string, state: PluginState): Watched {
    const watched = { state, loadingSince: undefined, instancesSince: new Map<number, number>() };
    this.#watched.set(plugin, watched);
    return watched;
  }

  #noteTransition({ plugin, from, to, phase }: TransitionEvent): void {
    const watched = this.#watched.get(plugin) ?? this.#watch(plugin, from);
    watched.state = to;
    if (to === 'spawning') {
      // Waiting for memory is no part of the load.
      if (phase !== 'admitting') watched.loadingSince ??= performance.now();
    } else {
      if (to === 'ready' || to === 'busy') this.#noteLoad(plugin, watched.loadingSince);
      watched.loadingSince = undefined;
    }
    const tally = this.#tallies.of(plugin);
    // One that is given up while it stops has crashed before.
    if (to === 'crashed' && from !== 'crashed' && phase !== 'failed') tally.crashes += 1;
    // Nothing is kept of plugins that may be gone.
    if (to === 'discovered' && phase === 'idle') this.#watched.delete(plugin);
  }

  /** What a plugin's own states tell, they tell of one of its instances: others count here. */
  #noteInstance({ plugin, generation, to, from }: InstanceEvent): void {
    const { state, instancesSince } = this.#watched.get(plugin) ?? this.#watch(plugin, from);
    if (to === 'crashed' && state !== 'crashed') this.#tallies.of(plugin).crashes += 1;
    if (to === 'spawning') {
      if (state !== 'spawning' && !instancesSince.has(generation)) instancesSince.set(generation, performance.now());
      return;
    }
    if (to === 'ready' || to === 'busy') this.#noteLoad(plugin, instancesSince.get(generation));
    instancesSince.delete(generation);
  }

  #noteEviction({ plugin, outcome, reason = 'unknown' }: EvictionEvent): void {
    if (outcome === 'left') this.#tallies.of(plugin).evictions.add(reason);
  }

  #noteLoad(plugin: string, since: number | undefined): void {
    if (since === undefined) return;
    const tally = this.#tallies.of(plugin);
    tally.loads += 1;
    tally.loadSeconds += (performance.now() - since) / 1_000;
  }
}
