import type { Conclusion } from './decide.ts';

/** What a request for memory would come to now. */
export type Prospect =
  | { readonly outcome: 'grant' }
  /** These idle plugins would be evicted for it; the last of them was used so long ago, in milliseconds. */
  | { readonly outcome: 'evict'; readonly victims: readonly string[]; readonly idleMs: number }
  /** It would have to wait, or be refused for a reason that passes. */
  | { readonly outcome: 'wait' }
  /** It can never have what it needs. */
  | { readonly outcome: 'never' };

/** Why a request is refused for as long as neither the capacity nor what the plugin needs changes. */
const NEVER: ReadonlySet<string> = new Set(['never-fits', 'fits-no-gpu']);

/** What a conclusion means for somebody who only wants to know. */
export function prospectOf(conclusion: Conclusion, now: number): Prospect {
  switch (conclusion.outcome) {
    case 'grant':
    case 'start-cold':
      return { outcome: 'grant' };
    case 'await-victims':
      return { outcome: 'evict', victims: [], idleMs: Number.POSITIVE_INFINITY };
    case 'evict':
      return {
        outcome: 'evict',
        victims: [...new Set(conclusion.victims.map(({ victim }) => victim.plugin))],
        idleMs: now - Math.max(...conclusion.victims.map(({ reservation }) => reservation.lastUsedAt)),
      };
    case 'wait':
      return { outcome: 'wait' };
    case 'refuse':
      return { outcome: NEVER.has(conclusion.reason) ? 'never' : 'wait' };
  }
}
