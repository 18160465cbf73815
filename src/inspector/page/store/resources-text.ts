import { amountsText } from '../../../scheduler/decision-text.ts';
import type { Resources } from '../../../scheduler/need.ts';

/** Amounts of a decision in words; of those that have no limit, JSON says null. */
export function resourcesText(resources: Resources): string {
  const amounts = Object.entries(resources).map(([name, amount]) => [name, amount ?? Number.POSITIVE_INFINITY]);
  return amountsText(Object.fromEntries(amounts) as Resources);
}
