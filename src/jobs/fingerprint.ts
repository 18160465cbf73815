import { createHash } from 'node:crypto';
import type { NewJob } from './job-store.ts';

/** What two jobs with the same key must have in common: a hash of plugin, tool, input, and whether a stream is read. */
export function fingerprintOf({ plugin, tool, input, stream }: NewJob): Buffer {
  const hash = createHash('sha256');
  for (const part of [plugin, tool ?? '', input]) hash.update(`${part.length}:`).update(part);
  if (stream === true) hash.update('stream');
  return hash.digest();
}
