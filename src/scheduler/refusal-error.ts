import { type Clock, wallTime } from '../time/clock.ts';
import { GreenroomError } from '../errors.ts';
import type { SchedulerRefusal } from './decision.ts';
import { amountsText, reasonText } from './decision-text.ts';

/** The scheduler's refusal as callers get it: `E_REFUSED`, with its figures as details; their times are times of day. */
export function refusalError(refusal: SchedulerRefusal, clock: Pick<Clock, 'now' | 'monotonic'>): GreenroomError {
  const { plugin, policy, reason, asked, free } = refusal;
  const waitingFor = refusal.waitingFor.map((holder) => ({ ...holder, since: wallTime(clock, holder.since) }));
  return new GreenroomError(
    'E_REFUSED',
    `There is no room for "${plugin}" under the policy "${policy}": ${reasonText(reason)} (${reason}). It asks for ${amountsText(asked)}; ${amountsText(free)} is free. explain("${plugin}") tells more.`,
    { plugin, details: { ...refusal, waitingFor } },
  );
}
