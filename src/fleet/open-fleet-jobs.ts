import type { History } from '../jobs/history.ts';
import { newJobId } from '../jobs/job-id.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { RedisJobStore } from '../jobs/redis/redis-job-store.ts';
import { RedisLink } from '../jobs/redis/redis-link.ts';
import { RedisReplies } from '../jobs/redis/redis-replies.ts';
import { runJobs } from '../jobs/run-jobs.ts';
import type { Supervisor } from '../runtime/supervisor.ts';
import { FleetBoard } from './fleet-board.ts';
import { FleetCalls } from './fleet-calls.ts';
import { FleetNode } from './fleet-node.ts';
import { completeFleetOptions, type FleetOptions } from './fleet-options.ts';

/** How often those who wait for a job look at it although nothing was told, as what is published can be lost. */
const LOOK_AGAIN_MS = 10_000;

/** The jobs of a fleet, and this program as a part of it. */
export interface FleetJobs {
  readonly jobs: Jobs;
  readonly node: FleetNode;
}

/** Opens the jobs of a fleet; see `openJobs`. */
export async function openFleetJobs(supervisor: Supervisor, options: FleetOptions, history: History): Promise<Jobs> {
  return (await joinFleet(supervisor, options, history)).jobs;
}

/** Makes this program a node of a fleet. Rejects with `E_OPTIONS` and `E_JOB_STORE`. */
export async function joinFleet(supervisor: Supervisor, given: FleetOptions, history: History): Promise<FleetJobs> {
  const options = completeFleetOptions(given);
  const { jobPort } = supervisor;
  const { onListenerError, clock } = jobPort;
  const link = await RedisLink.open({
    ...{ url: options.redis, prefix: options.prefix, onListenerError },
    onWarning: (message) => jobPort.warn({}, message),
  });
  const id = newJobId();
  const { store, waiting, replies } = await openStore(link, id, options, supervisor, history).catch(
    async (error: unknown) => {
      await link.close();
      throw error;
    },
  );
  const node = new FleetNode({ supervisor, options, link, board: new FleetBoard(link, id), id });
  let lookTimer: unknown;
  const offHealth = link.onHealth(({ state }) => {
    if (state === 'connected') changes.notifyAll();
  });
  const { jobs, runner, changes } = runJobs(
    {
      ...{ supervisor, store, replies, sharing: node.sharing, onLost: node.noteLost },
      whyElsewhere: (plugin, here) => node.whyElsewhere(plugin, here),
      onClose: async () => {
        offCalls();
        node.close();
        await calls.close();
        replies.close();
        offHealth();
        clock.clearTimeout(lookTimer);
      },
      onClosed: async () => {
        await node.left();
        await link.close();
      },
    },
    (plugin) => node.hear(plugin),
  );
  const whyNobody = (plugin: string): Promise<string | undefined> => node.whyNobody(plugin);
  const isCutOff = (): boolean => link.health.state === 'cutOff';
  const calls = new FleetCalls({ jobs, replies, clock, whyNobody, isCutOff, onListenerError });
  const offCalls = jobPort.joinFleet(calls);
  const lookAgain = (): void => {
    lookTimer = clock.setTimeout(() => {
      changes.notifyAll();
      lookAgain();
    }, LOOK_AGAIN_MS);
  };
  lookAgain();
  try {
    await node.start(store, runner, waiting);
  } catch (error) {
    await jobs.close();
    throw error;
  }
  return { jobs, node };
}

async function openStore(
  link: RedisLink,
  node: string,
  { values }: FleetOptions,
  { jobPort }: Supervisor,
  history: History,
): Promise<Awaited<ReturnType<typeof RedisJobStore.open>> & { readonly replies: RedisReplies }> {
  const { onListenerError, onError, names } = jobPort;
  const replies = await RedisReplies.open(link, node);
  const plugins = (): readonly string[] => [...names()];
  return {
    ...(await RedisJobStore.open(link, { node, history, values, onListenerError, onError, plugins })),
    replies,
  };
}
