import type { Jobs } from '../jobs/jobs.ts';
import type { LinkHealth } from '../jobs/redis/redis-link.ts';
import type { FleetNode, ToldNode } from './fleet-node.ts';

/** The jobs of one plugin, in all of a fleet. */
export interface FleetQueue {
  readonly plugin: string;
  readonly waiting: number;
  readonly delayed: number;
  readonly blocked: number;
  readonly running: number;
  readonly failed: number;
  readonly isPaused: boolean;
  /** How long the job has waited that is next, in milliseconds. */
  readonly waitedMs?: number;
  /** Why no node can run them. */
  readonly waitsFor?: string;
}

/** A fleet as one of its nodes sees it. */
export interface FleetStatus {
  /** Where its Redis is, without credentials. */
  readonly redis: string;
  readonly prefix: string;
  /** The identifier of the node that says so. */
  readonly node: string;
  readonly health: LinkHealth;
  readonly nodes: readonly ToldNode[];
  /** The plugins of which a job has not ended, or has failed. */
  readonly queues: readonly FleetQueue[];
}

/** Looks at all of a fleet. Rejects with `E_JOB_STORE`. */
export async function fleetStatus(node: FleetNode, jobs: Jobs): Promise<FleetStatus> {
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
