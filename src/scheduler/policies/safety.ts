import { admit } from '../admit.ts';
import type { Policy } from './policy.ts';

/** Decides like {@link admit}, and refuses where residents in use take the room: nobody waits for them. */
export const safety: Policy['decide'] = (asking, room) =>
  admit(asking, room) ?? { outcome: 'refuse', reason: 'no-room' };
