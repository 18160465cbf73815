import { fits, minus, type Need, plus, type Resources } from '../../src/scheduler/need.ts';
import type { Policy, Ranked, Victim } from '../../src/scheduler/policy.ts';

/** A small enforcing policy: grant what fits, evict the least recently used, else wait, and in the end ask for a yield. */
export function slotsPolicy(options: { measures?: boolean; yieldAfterMs?: number } = {}): Policy {
  const { measures = false, yieldAfterMs = Infinity } = options;
  return {
    name: 'slots',
    measures,
    decide(asking, room, now) {
      if (!fits(asking.need, minus(room.capacity, room.pinned))) return { outcome: 'refuse', reason: 'never-fits' };
      if (fits(asking.need, room.free)) return { outcome: 'grant', reason: 'fits' };
      if (asking.extra) return { outcome: 'refuse', reason: 'no-room' };
      if (fits(asking.need, plus(room.free, room.evictable))) {
        let freed: Resources = room.free;
        const considered: Ranked[] = [];
        const victims: Victim[] = [];
        for (const { plugin, generation, need } of room.candidates()) {
          considered.push({ plugin, generation, rank: considered.length });
          victims.push({ plugin, generation, ask: 'RELEASE' });
          freed = plus(freed, need);
          if (fits(asking.need, freed)) break;
        }
        return { outcome: 'evict', reason: 'least-recently-used', considered, victims };
      }
      if (now < asking.at + yieldAfterMs)
        return { outcome: 'wait', reason: 'no-room', again: asking.at + yieldAfterMs };
      for (const { plugin, generation, standing, leaving } of room.residents()) {
        if (standing !== 'busy' || leaving) continue;
        const victim: Victim = { plugin, generation, ask: 'YIELD', deadline: now + 1_000 };
        return { outcome: 'evict', reason: 'starved', considered: [], victims: [victim] };
      }
      return { outcome: 'wait', reason: 'no-room' };
    },
  };
}

/** One slot and this much memory. */
export function need(vramMb = 0, terms: Partial<Need> = {}): Need {
  return { vramMb, ramMb: 0, slots: 1, ...terms };
}
