import type { Job } from '../../jobs/job.ts';
import type { JsonObject } from '../../mcp/json-rpc.ts';
import { shortened } from '../../text/shortened.ts';
import { MAX_TTL_MS, ttlOf } from './task-key.ts';

/** How long clients should wait before they ask again: a tenth of the task's age, between these, in milliseconds. */
const LEAST_POLL_MS = 500;
const MOST_POLL_MS = 5_000;

/** How much is said of the state, in characters: a page has many tasks. A failure is whole in the result. */
const MAX_MESSAGE = 2_000;

/** A task as revision 2025-11-25 has it: `failed` is a tool's own failure, too. */
export function legacyTask(job: Job, now: number): JsonObject {
  const { ttlMs, pollMs, ...task } = taskOf(job, now);
  return { ...task, status: legacyStatus(job), ttl: ttlMs, ...(pollMs !== undefined && { pollInterval: pollMs }) };
}

/** What the status of a legacy task is. */
export function legacyStatus({ state }: Job): string {
  if (state === 'done') return 'completed';
  return state === 'failed' || state === 'cancelled' ? state : 'working';
}

/**
 * A task as the extension `io.modelcontextprotocol/tasks` of revision 2026-07-28 has it, without what it has come to: there
 * `completed` is a tool's own failure, too, and `failed` an error of the protocol.
 */
export function modernTask(job: Job, now: number): JsonObject {
  const { ttlMs, pollMs, ...task } = taskOf(job, now);
  const status = job.state === 'failed' ? 'completed' : legacyStatus(job);
  return { ...task, status, ttlMs, ...(pollMs !== undefined && { pollIntervalMs: pollMs }) };
}

interface Common {
  readonly taskId: string;
  readonly statusMessage?: string;
  readonly createdAt: string;
  readonly lastUpdatedAt: string;
  readonly ttlMs: number;
  /** Undefined: it has ended. */
  readonly pollMs?: number;
}

function taskOf(job: Job, now: number): Common {
  const { id, addedAt, startedAt = 0, endedAt } = job;
  const message = statusMessage(job);
  const age = Math.max(now - addedAt, 0);
  return {
    taskId: id,
    ...(message !== undefined && { statusMessage: shortened(message, MAX_MESSAGE) }),
    createdAt: new Date(addedAt).toISOString(),
    lastUpdatedAt: new Date(Math.max(addedAt, startedAt, endedAt ?? 0)).toISOString(),
    ttlMs: ttlOf(job) ?? MAX_TTL_MS,
    ...(endedAt === undefined && { pollMs: Math.round(Math.min(Math.max(age / 10, LEAST_POLL_MS), MOST_POLL_MS)) }),
  };
}

/** How far the job is, why it waits, or why it has failed. */
function statusMessage({ state, progress, waitsFor, error, attempt }: Job): string | undefined {
  switch (state) {
    case 'waiting':
      if (waitsFor !== undefined) return waitsFor;
      return attempt > 0 ? 'It was interrupted, and waits to run again.' : 'It waits for its turn.';
    case 'delayed':
      return 'It waits to be tried again.';
    case 'blocked':
      return 'It waits for other jobs.';
    case 'running':
      if (progress?.message !== undefined && progress.message !== '') return progress.message;
      return progress === undefined || progress.progress < 0 ? 'It runs.' : `${Math.round(progress.progress * 100)} %`;
    case 'done':
      return undefined;
    case 'failed':
    case 'cancelled':
      return error?.remote?.message ?? error?.message;
  }
}
