import { createHash } from 'node:crypto';
import type { NewJob } from './job-store.ts';

/** What two jobs with the same key must have in common: a hash of plugin, tool and input. */
export function fingerprintOf({ plugin, tool, input }: NewJob): Buffer {
  const hash = createHash('sha256');
  for (const part of [plugin, tool ?? '', input]) hash.update(`${part.length}:`).update(part);
  return hash.digest();
}
