import { GreenroomError } from '../../errors.ts';
import type { RedisLink } from './redis-link.ts';

/** The first version whose commands are all that are used. */
const OLDEST = [6, 2] as const;

/**
 * Looks whether a server can keep jobs; returns in sentences what may be lost as it is set up. Rejects with `E_JOB_STORE`
 * where it cannot.
 */
export async function checkServer(link: RedisLink): Promise<readonly string[]> {
  const said = await link.send(['INFO']);
  const facts = new Map<string, string>();
  for (const line of String(said).split('\r\n')) {
    const at = line.indexOf(':');
    if (at > 0) facts.set(line.slice(0, at), line.slice(at + 1));
  }
  const version = facts.get('redis_version');
  if (version === undefined) throw refused(link, 'is no Redis: it does not tell its version');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]))
    throw refused(link, `is of version ${version}, and jobs need ${OLDEST.join('.')} or later`);
  if (facts.get('cluster_enabled') === '1')
    throw refused(
      link,
      'is part of a cluster, over which jobs cannot be kept: use one Redis, with replicas if need be',
    );
  const warnings: string[] = [];
  const policy = facts.get('maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction')
    warnings.push(
      `The Redis at ${link.address} removes keys when it is full (maxmemory-policy ${policy}), and with them jobs: ` +
        'set it to noeviction.',
    );
  if (facts.get('aof_enabled') === '0')
    warnings.push(
      `The Redis at ${link.address} does not log what it stores (appendonly no): when it ends unexpectedly, the jobs ` +
        'since its last snapshot are lost. Set appendonly to yes.',
    );
  return warnings;
}

function refused(link: RedisLink, why: string): GreenroomError {
  return new GreenroomError('E_JOB_STORE', `The server at ${link.address} ${why}.`);
}
