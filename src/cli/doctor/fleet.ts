import { messageOf } from '../../errors.ts';
import type { Finding } from './check.ts';

const CHECK = 'fleet';

/** Whether the Redis of a fleet can be used from here. @param redis its address; undefined: there is none to be looked at */
export async function checkFleet(redis: string | undefined): Promise<Finding[]> {
  if (redis === undefined || redis === '') return [];
  try {
    // Read from disk only where there is a fleet.
    const { RedisLink } = await import('../../jobs/redis/redis-link.ts');
    const warnings: string[] = [];
    const link = await RedisLink.open({ url: redis, onWarning: (warning) => warnings.push(warning) });
    await link.close();
    return [
      { check: CHECK, level: 'ok', found: `the Redis at ${link.address} answers` },
      ...warnings.map((found): Finding => ({ check: CHECK, level: 'warn', found })),
    ];
  } catch (error) {
    const next = 'Until then a daemon that is to share jobs over it refuses jobs; everything else works.';
    return [{ check: CHECK, level: 'fail', found: messageOf(error), next }];
  }
}
