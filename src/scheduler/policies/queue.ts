import { admit } from '../admit.ts';
import { planEviction } from '../eviction-plan.ts';
import { fits, plus } from '../need.ts';
import type { Policy, Room, Verdict } from './policy.ts';
import type { Resident } from '../resident.ts';

/** After this long in the queue a request is no longer passed over, in milliseconds. */
export const DEFAULT_MAX_WAIT_MS = 30_000;
/** How long a resident that is told to yield may take for the calls it has, in milliseconds. */
const YIELD_MS = 10_000;

/**
 * Decides like {@link admit}, and lets wait where residents in use take the room. Whoever has waited for `maxWaitMs`
 * is not starved: residents in use are told to yield, those that have resided longest first, and where that does not
 * suffice what comes free is kept for it. One that has denied is asked to yield again after another `maxWaitMs`.
 */
export function queue(maxWaitMs: number): Policy['decide'] {
  return (asking, room, now): Verdict => {
    const verdict = admit(asking, room);
    if (verdict !== undefined) return verdict;
    const starves = asking.at + maxWaitMs;
    if (now < starves) return { outcome: 'wait', reason: 'no-room', again: starves };
    const mayYield = ({ deniedAt }: Resident): boolean => deniedAt === undefined || now >= deniedAt + maxWaitMs;
    return (
      yieldFor(asking.need, room, mayYield, now) ?? {
        outcome: 'wait',
        reason: 'waited-too-long',
        again: now + maxWaitMs,
        keep: true,
      }
    );
  };
}

function yieldFor(
  need: Resident['need'],
  room: Room,
  mayYield: (resident: Resident) => boolean,
  now: number,
): Verdict | undefined {
  if (!fits(need, plus(plus(room.free, room.evictable), room.yieldable))) return undefined;
  const plan = planEviction(need, room.free, idleThenBusy(room, mayYield));
  if (plan === undefined) return undefined;
  return {
    outcome: 'evict',
    reason: 'waited-too-long',
    considered: plan.considered.map(({ plugin, generation, standing, rank, since }) => ({
      plugin,
      generation,
      rank: standing === 'busy' ? since : rank,
    })),
    victims: plan.victims.map(({ plugin, generation, standing }) =>
      standing === 'busy'
        ? { plugin, generation, ask: 'YIELD', deadline: now + YIELD_MS }
        : { plugin, generation, ask: 'RELEASE' },
    ),
  };
}

function* idleThenBusy(room: Room, mayYield: (resident: Resident) => boolean): IterableIterator<Resident> {
  yield* room.candidates();
  for (const resident of room.busy()) if (mayYield(resident)) yield resident;
}
