import { type ErrorCode, GreenroomError } from '../../errors.ts';
import type { Backoff } from '../job.ts';

/** What becomes of a job whose call failed. */
export type AfterFailure =
  /** The call was not made, for a reason that passes or that its user can change: the job keeps its place. */
  { readonly kind: 'back' } | { readonly kind: 'again'; readonly afterMs: number } | { readonly kind: 'failed' };

/** Nothing of the call has been done, and the job is not the cause. */
const NOT_MADE: ReadonlySet<ErrorCode> = new Set([
  'E_UNKNOWN_PLUGIN',
  'E_DISABLED',
  'E_NOT_LOADED',
  'E_GIVEN_UP',
  'E_REFUSED',
  'E_QUEUE_FULL',
  'E_STOPPING',
]);

/** Another attempt would end the same. */
const FOR_GOOD: ReadonlySet<ErrorCode> = new Set(['E_INPUT', 'E_CONFIG', 'E_SERIALIZE', 'E_UNSUPPORTED', 'E_OPTIONS']);

/** What a failed attempt means. */
export interface FailedAttempt {
  readonly attempt: number;
  readonly attempts: number;
  readonly backoff: Backoff;
  /** Whether the call has reached a worker. */
  readonly hasBegun: boolean;
}

/** Decides whether a job is tried again, and when. */
export function afterFailure(error: unknown, { attempt, attempts, backoff, hasBegun }: FailedAttempt): AfterFailure {
  if (!(error instanceof GreenroomError)) return { kind: 'failed' };
  // Of one that has begun, stopping means that it was interrupted.
  if (NOT_MADE.has(error.code) && (!hasBegun || error.code === 'E_STOPPING')) return { kind: 'back' };
  if (FOR_GOOD.has(error.code) || error.remote?.category === 'input') return { kind: 'failed' };
  if (attempt >= attempts) return { kind: 'failed' };
  return { kind: 'again', afterMs: backoffMs(attempt, backoff) };
}

/** How long to wait after so many attempts, in milliseconds. */
export function backoffMs(attempt: number, { delayMs, factor, maxMs }: Backoff): number {
  return Math.min(delayMs * factor ** (attempt - 1), maxMs);
}
