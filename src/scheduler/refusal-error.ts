import { GreenroomError } from '../errors.ts';
import { type Clock, wallTime } from '../time/clock.ts';
import type { SchedulerRefusal } from './decision.ts';
import { amountsText, reasonText } from './decision-text.ts';
import { isSame, minus, NOTHING, notNegative } from './need.ts';

/** The scheduler's refusal as callers get it: `E_REFUSED`, with its figures as details; their times are times of day. */
export function refusalError(refusal: SchedulerRefusal, clock: Pick<Clock, 'now' | 'monotonic'>): GreenroomError {
  const { plugin, policy, reason, asked, free } = refusal;
  const waitingFor = refusal.waitingFor.map((holder) => ({ ...holder, since: wallTime(clock, holder.since) }));
  const short = { ...notNegative(minus(asked, free)), gpus: undefined };
  const lacks = isSame(short, NOTHING) ? '' : `; ${amountsText(short)} short`;
  return new GreenroomError(
    'E_REFUSED',
    `"${plugin}" was refused by the policy "${policy}": ${reasonText(reason)} (${reason}). It needs ${amountsText(asked)}; free: ${amountsText(free)}${lacks}. Call explain("${plugin}") for details.`,
    { plugin, details: { ...refusal, waitingFor } },
  );
}
