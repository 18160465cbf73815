import { z } from 'zod';
import { GreenroomError } from '../errors.ts';
import type { FleetNode } from '../fleet/fleet-node.ts';
import { lookAtFleet } from '../fleet/look-at-fleet.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { type Endpoint, jsonEndpoint } from './endpoint.ts';

const amounts = z.object({ vramMb: z.number().optional(), ramMb: z.number().optional(), slots: z.number().optional() });

const nodeSchema = z.object({
  node: z.string().describe('Its identifier, another at each start.'),
  beatAgoMs: z.number().describe('How long ago it said that it lives, in milliseconds.'),
  plugins: z.array(z.string()),
  name: z.string().optional(),
  version: z.string().optional(),
  host: z.string().optional(),
  pid: z.number().optional(),
  since: z.number().optional().describe('Since when it runs, in milliseconds since the epoch.'),
  capacity: amounts.optional(),
  reserved: amounts.optional(),
  residents: z
    .array(z.object({ plugin: z.string(), state: z.string(), calls: z.number() }))
    .optional()
    .describe('The plugins that have a worker, with the calls that run and wait there.'),
  makesWayFor: z.string().optional().describe('It takes no jobs of other plugins until this one has its memory.'),
  lost: z.number().optional().describe('Of how many jobs its end was refused, as another node had taken them over.'),
});

const queueSchema = z.object({
  plugin: z.string(),
  waiting: z.number(),
  delayed: z.number(),
  blocked: z.number(),
  running: z.number(),
  failed: z.number(),
  isPaused: z.boolean(),
  waitedMs: z.number().optional().describe('How long the job has waited that is next, in milliseconds.'),
  waitsFor: z.string().optional().describe('Why no node can run its jobs.'),
});

const fleetSchema = z
  .object({
    redis: z.string().describe('Where its Redis is, without credentials.'),
    prefix: z.string(),
    node: z.string().describe('The identifier of the daemon that answers.'),
    health: z.object({
      state: z.enum(['connected', 'cutOff', 'full']),
      since: z.number(),
      reason: z.string().optional(),
    }),
    nodes: z.array(nodeSchema),
    queues: z.array(queueSchema).describe('The plugins of which a job has not ended, or has failed.'),
  })
  .describe('A fleet as one of its nodes sees it.');

const movedSchema = z.object({
  moved: z.number().describe('How many are in the fleet now.'),
  left: z
    .number()
    .describe('How many have not ended and stay, as their input takes what the result of another job has not.'),
});

/**
 * The endpoints of the fleet that the daemon is in.
 *
 * @param jobs gives the jobs; rejects with `E_JOB_STORE` where the fleet could not be joined
 */
export function fleetEndpoints(jobs: () => Promise<Jobs>, node: () => FleetNode | undefined): Endpoint[] {
  const joined = async (): Promise<{ readonly own: FleetNode; readonly opened: Jobs }> => {
    const opened = await jobs();
    const own = node();
    if (own !== undefined) return { own, opened };
    throw new GreenroomError(
      'E_UNSUPPORTED',
      'This daemon is in no fleet. Start it with the address of a Redis: greenroom serve --fleet redis://HOST',
    );
  };
  return [
    jsonEndpoint(
      { method: 'GET', path: '/fleet', summary: 'The nodes of the fleet, and its jobs.', answer: fleetSchema },
      async () => {
        const { own, opened } = await joined();
        return lookAtFleet(own, opened);
      },
    ),
    jsonEndpoint(
      {
        method: 'POST',
        path: '/jobs/move',
        summary: 'Moves the jobs in the data directory that have not ended into the fleet.',
        body: z.strictObject({}),
        answer: movedSchema,
      },
      async () => (await joined()).own.moveJobs(),
    ),
  ];
}
