import type { PluginContext, PluginState } from '../machines/plugin.ts';
import { type InstancePlace, placeOf } from './instance-place.ts';
import type { InstanceSnapshot } from './instance-snapshot.ts';
import type { InstanceEvent } from './supervisor-events.ts';

interface Seen extends InstancePlace {
  readonly since: number;
}

/** What was last seen of the workers of one plugin, so that what has changed can be told. */
export class InstanceWatch {
  readonly #plugin: string;
  readonly #seen = new Map<number, Seen>();
  /** Why workers were lost that are not gone yet. */
  readonly #losses = new Map<number, string>();
  #current: number | undefined;

  constructor(plugin: string) {
    this.#plugin = plugin;
  }

  /** A worker is lost while others serve. */
  noteLoss(generation: number, reason: string): void {
    this.#losses.set(generation, reason);
  }

  /** Whether there is something to look at: a plugin with one worker at most is told of by its own states. */
  concerns({ settings, siblings }: PluginContext): boolean {
    return settings.instances.max > 1 || siblings.length > 0 || this.#seen.size > 0;
  }

  /** What has changed since the last look. */
  look(context: PluginContext, plugin: InstancePlace, at: number): InstanceEvent[] {
    const events: InstanceEvent[] = [];
    // The last one has taken the plugin with it.
    if (plugin.state === 'crashed' && this.#current !== undefined && context.current === undefined) {
      this.#losses.set(this.#current, context.lastError?.message ?? '');
    }
    this.#current = context.current;
    const gone = new Set(this.#seen.keys());
    for (const worker of context.workers) {
      const { generation } = worker;
      gone.delete(generation);
      const place = placeOf(context, worker, plugin, this.#losses.has(generation));
      const former = this.#seen.get(generation);
      if (former?.state === place.state && former.phase === place.phase) continue;
      this.#seen.set(generation, { ...place, since: at });
      events.push(this.#event(generation, former?.state ?? 'discovered', place, at));
    }
    for (const generation of gone) {
      const { state } = this.#seen.get(generation) as Seen;
      this.#seen.delete(generation);
      events.push(this.#event(generation, state, { state: 'discovered', phase: 'idle' }, at));
      this.#losses.delete(generation);
    }
    return events;
  }

  /** Each worker whose process tree is not gone, oldest first. */
  snapshot(context: PluginContext, plugin: InstancePlace & { readonly since: number }): readonly InstanceSnapshot[] {
    const all = context.workers.map((worker): InstanceSnapshot => {
      const { generation, pid, residency } = worker;
      const place = placeOf(context, worker, plugin, this.#losses.has(generation));
      // Of a plugin with one worker only the plugin's own states are followed.
      const { since } = this.#seen.get(generation) ?? plugin;
      return Object.freeze({ generation, ...place, since, pid, inFlight: residency?.leases.size ?? 0 });
    });
    return Object.freeze(all.toSorted((a, b) => a.generation - b.generation));
  }

  #event(generation: number, from: PluginState, { state: to, phase }: InstancePlace, at: number): InstanceEvent {
    const reason = to === 'crashed' ? this.#losses.get(generation) : undefined;
    return Object.freeze({ plugin: this.#plugin, generation, from, to, phase, at, reason });
  }
}
