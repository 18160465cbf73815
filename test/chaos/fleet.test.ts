import { expect, test } from 'vitest';
import { hasRedis } from '../jobs/redis-server.ts';
import { SEED } from '../seed.ts';
import { runFleetKills } from './fleet-kills.mjs';

test.skipIf(!hasRedis)(
  `no job is lost or stuck where daemons of a fleet, workers and Redis are killed (seed ${SEED})`,
  { timeout: 120_000 },
  async () => {
    const { figures, wrong } = await runFleetKills({
      ...{ jobs: 60, plugins: 4, nodes: 3, jobMs: 150, seed: SEED },
      ...{ daemonKills: 1, workerKills: 1, redisKills: 1 },
    });
    expect(wrong).toEqual([]);
    expect(figures).toMatchObject({ jobs: 60 });
  },
);
