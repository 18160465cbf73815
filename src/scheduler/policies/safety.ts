import { admit } from '../admit.ts';
import type { Policy } from './policy.ts';

/** Decides like {@link admit}, and refuses where busy residents hold the memory: no request waits for them. */
export const safety: Policy['decide'] = (asking, memory) =>
  admit(asking, memory) ?? { outcome: 'refuse', reason: 'no-capacity' };
