import { GreenroomError } from '../errors.ts';
import type { TreeSampler, TreeStats } from '../measure/process-tree.ts';
import type { PluginSnapshot } from './plugin-snapshot.ts';

/** What the process tree of one worker of a plugin uses. */
export interface InstanceStats extends TreeStats {
  /** Which of the plugin's workers, as in its snapshot. */
  readonly generation: number;
}

/**
 * What the workers of a plugin use. `pid` and `uptimeMs` are of its worker, of several of the one that has served longest;
 * the other figures are the sums of all of them.
 */
export interface PluginStats extends TreeStats {
  /** Each worker that has a process, oldest first. `max_rss_mb` in the manifest is the limit of each. */
  readonly instances: readonly InstanceStats[];
}

/**
 * Measures the workers of a plugin.
 *
 * @throws GreenroomError `E_NOT_LOADED` where it has none
 */
export async function statsOf({ name, pid, instances }: PluginSnapshot, sampler: TreeSampler): Promise<PluginStats> {
  if (pid === undefined)
    throw new GreenroomError('E_NOT_LOADED', `"${name}" has no worker to measure. Start it first: load("${name}").`, {
      plugin: name,
    });
  const each = await Promise.all(
    instances.flatMap(({ generation, pid: own }) =>
      own === undefined ? [] : [sampler.sample(own).then((stats): InstanceStats => ({ generation, ...stats }))],
    ),
  );
  return {
    pid,
    cpuPercent: sumOf(each, 'cpuPercent'),
    memoryRssMb: sumOf(each, 'memoryRssMb'),
    processes: sumOf(each, 'processes'),
    uptimeMs: each.find((one) => one.pid === pid)?.uptimeMs ?? null,
    instances: each,
  };
}

/** The sum of what is known, to a tenth; null where nothing is. */
function sumOf(all: readonly InstanceStats[], figure: 'cpuPercent' | 'memoryRssMb' | 'processes'): number | null {
  const known = all.flatMap((each) => each[figure] ?? []);
  return known.length === 0 ? null : Math.round(known.reduce((sum, each) => sum + each, 0) * 10) / 10;
}
