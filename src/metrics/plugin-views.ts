import type { PluginSnapshot } from '../runtime/plugin-snapshot.ts';
import type { Holder } from '../scheduler/decision.ts';
import { plus, type Resources } from '../scheduler/need.ts';
import type { MeasuredMemory } from './measured-memory.ts';
import type { PluginView } from './plugin-metrics.ts';
import type { PluginTallies } from './plugin-tally.ts';

/** What a plugin's workers hold and use together. */
interface Held {
  reserved: Resources;
  usedGpuMb: number | undefined;
}

/** The plugins as a scrape shows them. */
export function pluginViews(
  plugins: readonly PluginSnapshot[],
  holders: readonly Holder[],
  tallies: PluginTallies,
  memory: MeasuredMemory,
): PluginView[] {
  const held = heldBy(holders);
  return plugins.map((snapshot) => {
    const { name } = snapshot;
    const { reserved, usedGpuMb } = held.get(name) ?? { reserved: undefined, usedGpuMb: undefined };
    return { snapshot, tally: tallies.of(name), reserved, usedGpuMb, residentMb: memory.residentMbOf(name) };
  });
}

function heldBy(holders: readonly Holder[]): ReadonlyMap<string, Held> {
  const all = new Map<string, Held>();
  for (const { plugin, holds, uses } of holders) {
    const held = all.get(plugin);
    const vramMb = uses?.vramMb;
    if (held === undefined) {
      all.set(plugin, { reserved: holds, usedGpuMb: vramMb });
      continue;
    }
    held.reserved = plus(held.reserved, holds);
    if (vramMb !== undefined) held.usedGpuMb = (held.usedGpuMb ?? 0) + vramMb;
  }
  return all;
}
