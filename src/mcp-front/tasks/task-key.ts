import { randomUUID } from 'node:crypto';

/** For how long a task is kept, at most and by default, from when it was made: as long as jobs that have ended are. In milliseconds. */
export const MAX_TTL_MS = 30 * 86_400_000;

const KEY = /^mcp-task:(\d{1,10}):[0-9a-f-]{36}$/;

/**
 * A new key for the job that a task is. By it such a job is told from others, and it says for how long the task is kept.
 *
 * @param ttlMs from when it was made, a whole number of milliseconds
 */
export function newTaskKey(ttlMs: number): string {
  return `mcp-task:${ttlMs}:${randomUUID()}`;
}

/** For how long the task of a job is kept, in milliseconds from when it was made; undefined for a job that is none. */
export function ttlOf({ key }: { readonly key: string | undefined }): number | undefined {
  const digits = key === undefined ? undefined : KEY.exec(key)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
