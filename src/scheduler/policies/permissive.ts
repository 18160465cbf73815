import type { Policy } from './policy.ts';

/** Grants everything at once: the policy of a host without a configured capacity. */
export const permissive: Policy = {
  name: 'permissive',
  measures: false,
  decide: () => ({ outcome: 'grant', reason: 'permissive' }),
};
