import { fingerprintOf } from '../fingerprint.ts';
import type { NewJob } from '../job-store.ts';
import { bullPriority } from './bull-priority.ts';
import { dashboardValue } from './dashboard-value.ts';

/** About 34 years. */
const LONGEST_MS = 2 ** 40;

/** A job as the script that adds it takes it: what is not a time or a count is text, as Lua would round a number. */
export function toldJob(job: NewJob, inputFile: string | undefined): object {
  const { id, plugin, tool, priority, attempts, backoff, delayMs, timeoutMs, ttlMs, key, once, stream } = job;
  const { after, input, caller } = job;
  return {
    id,
    plugin,
    tool,
    name: tool ?? 'execute',
    data: dashboardValue(input),
    priority: String(priority),
    bullPriority: bullPriority(priority),
    attempts,
    tries: attempts,
    backoff: JSON.stringify(backoff),
    delayMs: roundedUp(delayMs),
    timeoutMs: timeoutMs === undefined ? undefined : String(timeoutMs),
    ttlMs: roundedUp(ttlMs),
    key,
    fingerprint: key === undefined ? undefined : fingerprintOf(job).toString('hex'),
    once: once ? '1' : '0',
    stream: stream === true ? '1' : undefined,
    after: after.length === 0 ? undefined : after.map((blocker) => [blocker.id, blocker.name]),
    inputFile,
    caller: caller?.node,
    wants: caller?.wants,
  };
}

/** Times in Redis are whole milliseconds, and small enough for BullMQ, which multiplies them. */
export function roundedUp(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.min(Math.ceil(ms), LONGEST_MS);
}
