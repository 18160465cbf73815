import { GreenroomError } from '../../errors.ts';
import type { AttemptOutcome, Claim, EndedAttempt } from '../job-store.ts';
import { errorText, readError } from '../stored-error.ts';
import { dashboardValue } from './dashboard-value.ts';
import type { SharedValues } from './shared-values.ts';
import { roundedUp } from './told-job.ts';

/** The end of an attempt, as its script takes it; the result is sent beside it. */
export interface ToldEnd extends Claim {
  readonly end: AttemptOutcome['end'];
  readonly error?: string;
  /** What dashboards show. */
  readonly said: string;
  readonly retryAfterMs?: number | undefined;
  readonly resultFile?: string | undefined;
  readonly result?: Uint8Array | undefined;
}

/** The end of an attempt as its script takes it. A result that cannot be kept at all fails the job. */
export async function toldEnd({ id, claim, outcome }: EndedAttempt, values: SharedValues): Promise<ToldEnd> {
  if (outcome.end === 'done') {
    try {
      const resultFile = await values.keep(`The result of the job ${id}`, `${id}.result.${claim}`, outcome.result);
      const result = resultFile === undefined ? outcome.result : undefined;
      return { id, claim, end: 'done', said: dashboardValue(outcome.result), resultFile, result };
    } catch (error) {
      if (!(error instanceof GreenroomError && error.code === 'E_SERIALIZE')) throw error;
      return toldEnd({ id, claim, outcome: { end: 'failed', error: errorText(error) } }, values);
    }
  }
  const { end, error } = outcome;
  const said = end === 'cancelled' ? 'cancelled' : readError(error).message;
  const retryAfterMs = end === 'failed' ? roundedUp(outcome.retryAfterMs) : undefined;
  return { id, claim, end, error, said, retryAfterMs };
}
