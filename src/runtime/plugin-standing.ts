import type { Prospect } from '../scheduler/prospect.ts';
import type { PluginRecord } from './plugin-record.ts';

/** How far a plugin is from running another job. */
export interface PluginStanding {
  /**
   * `warm`: it has a worker that takes calls; `loading`: one is being started, and has its memory; `asking`: it waits for
   * memory; `cold`: it has none; `unable`: it cannot be called.
   */
  readonly state: 'warm' | 'loading' | 'asking' | 'cold' | 'unable';
  /** How many calls its workers take at once; 0 while it has none. */
  readonly places: number;
  /** How many calls run or wait. */
  readonly calls: number;
  /** What the scheduler would decide if it asked for memory now; nothing is evicted, and nothing noted. */
  prospect(): Prospect;
}

/** Of a plugin that cannot be called. */
export const UNABLE: PluginStanding = {
  state: 'unable',
  places: 0,
  calls: 0,
  prospect: () => ({ outcome: 'never' }),
};

/** The standing of a plugin that need not be loaded first. */
export function standingOf(record: PluginRecord, prospect: () => Prospect): PluginStanding {
  const { gate } = record;
  return {
    state: stateOf(record),
    places: gate.serving.length * (gate.capacity ?? 0),
    calls: gate.leases + gate.waiting,
    prospect,
  };
}

function stateOf({ context, state, phase, serving }: PluginRecord): PluginStanding['state'] {
  if (!context.enabled) return 'unable';
  if (serving) return 'warm';
  switch (state) {
    case 'spawning':
      return phase === 'admitting' ? 'asking' : 'loading';
    case 'crashed':
      return phase === 'failed' ? 'unable' : 'loading';
    case 'busy':
    case 'ready':
    case 'released':
    case 'discovered':
      return 'cold';
  }
}
