import type { TransitionRecord } from '../../wire.ts';

/** How often an actor entered a state, and how long it was in it. */
export interface Dwell {
  readonly visits: number;
  /** In milliseconds, all visits together. */
  readonly dwellMs: number;
}

/** Of the transitions up to an instant, at a time in milliseconds since the epoch. Before the first nothing is known. */
export function dwellOf(transitions: readonly TransitionRecord[], path: string, seq: number, at: number): Dwell {
  let [visits, dwellMs] = [0, 0];
  let entered: number | undefined;
  for (const transition of transitions) {
    if (transition.seq > seq) break;
    const isIn = transition.active.some((each) => path === '' || each === path || each.startsWith(`${path}.`));
    if (isIn && entered === undefined) {
      visits += 1;
      entered = transition.at;
    } else if (!isIn && entered !== undefined) {
      dwellMs += transition.at - entered;
      entered = undefined;
    }
  }
  return { visits, dwellMs: entered === undefined ? dwellMs : dwellMs + Math.max(0, at - entered) };
}
