import type { Jobs } from '../jobs/jobs.ts';
import type { FleetNode } from './fleet-node.ts';
import type { FleetQueue, FleetStatus } from './fleet-status.ts';

/** Looks at all of a fleet. Rejects with `E_JOB_STORE`. */
export async function lookAtFleet(node: FleetNode, jobs: Jobs): Promise<FleetStatus> {
  const [nodes, counts, paused] = await Promise.all([node.nodes(), jobs.counts(), jobs.paused()]);
  const plugins = Object.keys(counts)
    .filter((plugin) => Object.entries(counts[plugin] ?? {}).some(([state, count]) => isShown(state) && count > 0))
    .toSorted();
  const heads = new Map((await node.heads(plugins)).map(({ plugin, waitedMs }) => [plugin, waitedMs]));
  const had = new Set(nodes.flatMap((each) => each.plugins));
  const queues = await Promise.all(
    plugins.map(async (plugin): Promise<FleetQueue> => {
      const { waiting = 0, delayed = 0, blocked = 0, running = 0, failed = 0 } = counts[plugin] ?? {};
      const waitedMs = heads.get(plugin);
      const waitsFor = waiting === 0 || had.has(plugin) ? undefined : await node.whyElsewhere(plugin, NOWHERE);
      return {
        ...{ plugin, waiting, delayed, blocked, running, failed },
        isPaused: paused.includes(plugin) || paused.includes('*'),
        ...(waitedMs !== undefined && { waitedMs }),
        ...(waitsFor !== undefined && { waitsFor }),
      };
    }),
  );
  return {
    ...{ redis: node.address, prefix: node.prefix, node: node.id, health: node.health },
    ...{ nodes, queues },
  };
}

const NOWHERE = 'No node can run it now.';

function isShown(state: string): boolean {
  return state !== 'done' && state !== 'cancelled';
}
