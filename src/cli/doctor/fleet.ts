import type { Client } from '../../client/client.ts';
import { GreenroomError, messageOf } from '../../errors.ts';
import type { Finding } from './check.ts';

const CHECK = 'fleet';
const ok = (found: string): Finding => ({ check: CHECK, level: 'ok', found });

/**
 * Whether the Redis of a fleet can be used: by the daemon that runs, and from here.
 *
 * @param redis its address for this terminal; undefined: there is none to be looked at
 * @param daemon that of the data directory, if one answers
 */
export async function checkFleet(redis: string | undefined, daemon: Client | undefined): Promise<Finding[]> {
  return [
    ...(daemon === undefined ? [] : await checkAtDaemon(daemon)),
    ...(redis === undefined || redis === '' ? [] : await checkFromHere(redis)),
  ];
}

async function checkAtDaemon(daemon: Client): Promise<Finding[]> {
  try {
    const { redis, nodes, health } = await daemon.fleet();
    if (health.state === 'connected') {
      return [ok(`the daemon is a node of ${nodes.length}, by the Redis at ${redis}`)];
    }
    return [failed(`the daemon cannot use the Redis at ${redis} now: ${health.reason}`)];
  } catch (error) {
    if (error instanceof GreenroomError && error.code === 'E_UNSUPPORTED') return [];
    return [failed(`at the daemon: ${messageOf(error)}`)];
  }
}

const failed = (found: string): Finding => ({
  check: CHECK,
  level: 'fail',
  found,
  next: 'The daemon tries again by itself, and its jobs go on then. Calls of its plugins work meanwhile.',
});

async function checkFromHere(redis: string): Promise<Finding[]> {
  try {
    // Read from disk only where there is a fleet.
    const { RedisLink } = await import('../../jobs/redis/redis-link.ts');
    const warnings: string[] = [];
    const link = await RedisLink.open({ url: redis, onWarning: (warning) => warnings.push(warning) });
    await link.close();
    return [
      ok(`the Redis at ${link.address} answers`),
      ...warnings.map((found): Finding => ({ check: CHECK, level: 'warn', found })),
    ];
  } catch (error) {
    const next = 'Until then a daemon that is to share jobs over it refuses jobs; everything else works.';
    return [{ check: CHECK, level: 'fail', found: messageOf(error), next }];
  }
}
