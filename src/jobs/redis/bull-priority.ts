/** BullMQ's priorities: lower goes first, from 1. */
const MOST = 2_097_151;

/** Where 0 is: in the middle. */
const ZERO = 1_048_576;

const STEPS = 100;

/**
 * The priority that BullMQ is told, from 1 to 2,097,151 and lower first, of ours, any finite number and higher first.
 * Hundredths are kept from −10,485.75 to 10,485.75; beyond that, and of finer ones, jobs go by age.
 */
export function bullPriority(priority: number): number {
  return Math.min(Math.max(ZERO - Math.round(priority * STEPS), 1), MOST);
}
