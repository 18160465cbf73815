import { newJobId } from '../../src/jobs/job-id.ts';
import type { NewJob } from '../../src/jobs/job-store.ts';

/** A job to be stored, with what is said of it. */
export function newJob(said: Partial<NewJob> = {}): NewJob {
  return {
    id: newJobId(),
    plugin: 'plugin',
    tool: undefined,
    priority: 0,
    attempts: 1,
    backoff: { delayMs: 1, factor: 1, maxMs: 1 },
    delayMs: 0,
    timeoutMs: undefined,
    ttlMs: undefined,
    key: undefined,
    after: [],
    once: false,
    input: new Uint8Array([1]),
    ...said,
  };
}
