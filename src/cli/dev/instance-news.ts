import type { InstanceEvent } from '../../runtime/supervisor-events.ts';
import type { Style } from '../terminal/style.ts';
import { instancesLine, lossLine } from './news.ts';

/** For how long what happens to the instances of a plugin is gathered for one line, in milliseconds. */
const GATHER_MS = 1_000;

/** What is known of a plugin beside its instances. */
export interface PluginSight {
  /** Whether it has crashed, of which its own line tells. */
  isCrashed(plugin: string): boolean;
  /** Whether its instances are being replaced one after the other, which changes their number only for a while. */
  isReplacing(plugin: string): boolean;
}

/** The instances of one plugin. */
interface Pool {
  /** The generations that take calls. */
  readonly serving: Set<number>;
  /** How many were last told of. */
  told: number;
  /** Those that were lost since then, and why the last of them was. */
  lost: number[];
  reason: string | undefined;
}

/** Tells of more, fewer and lost instances, a line for all that happens to a plugin within a second. */
export class InstanceNews {
  readonly #say: (line: string) => void;
  readonly #sight: PluginSight;
  readonly #style: Style;
  readonly #pools = new Map<string, Pool>();
  readonly #changed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(say: (line: string) => void, sight: PluginSight, style: Style) {
    this.#say = say;
    this.#sight = sight;
    this.#style = style;
  }

  note({ plugin, generation, to, phase, reason }: InstanceEvent): void {
    const pool = this.#pools.get(plugin) ?? { serving: new Set(), told: 0, lost: [], reason: undefined };
    this.#pools.set(plugin, pool);
    if (to === 'ready' || (to === 'busy' && phase === 'serving')) {
      if (pool.serving.has(generation)) return;
      pool.serving.add(generation);
    } else if (to === 'crashed') {
      pool.serving.delete(generation);
      if (!this.#sight.isCrashed(plugin)) {
        pool.lost.push(generation);
        pool.reason = reason;
      }
    } else if (!pool.serving.delete(generation)) return;
    this.#changed.add(plugin);
    this.#tellSoon();
  }

  /** Tells what is not told yet. Nothing is told by itself after that. */
  close(): void {
    clearTimeout(this.#timer);
    for (const plugin of this.#changed) this.#tell(plugin, this.#pools.get(plugin) as Pool);
    this.#changed.clear();
  }

  #tellSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      for (const plugin of this.#changed) {
        const pool = this.#pools.get(plugin) as Pool;
        if (pool.lost.length === 0 && this.#sight.isReplacing(plugin)) continue;
        this.#changed.delete(plugin);
        this.#tell(plugin, pool);
      }
      if (this.#changed.size > 0) this.#tellSoon();
    }, GATHER_MS);
  }

  #tell(plugin: string, pool: Pool): void {
    const { told, lost, reason } = pool;
    const now = pool.serving.size;
    const at = Date.now();
    pool.told = now;
    pool.lost = [];
    if (lost.length > 0) this.#say(lossLine({ plugin, lost, left: now, reason, at }, this.#style));
    // That the first one starts, and the last one ends, is told of the plugin.
    const isNews = now !== told && now > 0 && Math.max(now, told) > 1;
    if (isNews) this.#say(instancesLine({ plugin, from: told, to: now, at }, this.#style));
  }
}
