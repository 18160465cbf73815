import type { PluginState } from '../wire.ts';

/** How a state is told from the others without its colour. Its colours are in `palette.css`. */
export interface StateMark {
  /** One capital, no two states the same. */
  readonly letter: string;
  /** An outline in a box of 16 × 16, as the `d` of an SVG path or of a `Path2D`; filled by the rule `evenodd`. */
  readonly shape: string;
  /** What a bar of this state is hatched with in the lanes. */
  readonly pattern: 'none' | 'dots' | 'rising' | 'falling' | 'cross' | 'level';
}

/** The states in the order of the chips and of the keys `1` to `6`. */
export const PLUGIN_STATES: readonly PluginState[] = ['discovered', 'spawning', 'ready', 'busy', 'released', 'crashed'];

/** The marks: a ring, a triangle, a disc, a square, a hollow diamond and a cross. */
export const STATE_MARKS: Readonly<Record<PluginState, StateMark>> = {
  discovered: {
    letter: 'D',
    shape: 'M8 2a6 6 0 1 0 0 12a6 6 0 1 0 0-12zM8 4.2a3.8 3.8 0 1 1 0 7.6a3.8 3.8 0 1 1 0-7.6z',
    pattern: 'dots',
  },
  spawning: { letter: 'S', shape: 'M8 1.8L14.6 13.6H1.4z', pattern: 'rising' },
  ready: { letter: 'R', shape: 'M8 2a6 6 0 1 0 0 12a6 6 0 1 0 0-12z', pattern: 'none' },
  busy: { letter: 'B', shape: 'M2.5 2.5h11v11h-11z', pattern: 'level' },
  released: {
    letter: 'L',
    shape: 'M8 .9L15.1 8L8 15.1L.9 8zM8 4L4 8L8 12L12 8z',
    pattern: 'falling',
  },
  crashed: {
    letter: 'C',
    shape: 'M3.6 1.5L8 5.9L12.4 1.5L14.5 3.6L10.1 8L14.5 12.4L12.4 14.5L8 10.1L3.6 14.5L1.5 12.4L5.9 8L1.5 3.6z',
    pattern: 'cross',
  },
};

/** What a state's colour is for: see `palette.css`. */
export type StateColorUse = 'ink' | 'tint' | 'fill';

/** The CSS colour of a state, as a reference to its custom property. */
export const stateColor = (state: PluginState, use: StateColorUse): string => `var(--state-${state}-${use})`;
