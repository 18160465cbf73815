import { GreenroomError } from '../errors.ts';
import type { SchedulerRefusal } from './decision.ts';
import { amountsText, reasonText } from './decision-text.ts';

/** The scheduler's refusal as callers get it: `E_REFUSED`, with its figures as details. */
export function refusalError(refusal: SchedulerRefusal): GreenroomError {
  const { plugin, policy, reason, asked, free } = refusal;
  return new GreenroomError(
    'E_REFUSED',
    `There is no room for "${plugin}" under the policy "${policy}": ${reasonText(reason)} (${reason}). It asks for ${amountsText(asked)}; ${amountsText(free)} is free. explain("${plugin}") tells more.`,
    { plugin, details: refusal },
  );
}
