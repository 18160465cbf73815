import type { ActorId } from '../../wire.ts';
import { type Lane, NO_INSTANCE, type Stay, workerId } from '../store/model.ts';
import type { CallBar } from './call-bars.ts';
import { lastUpTo } from './level-of-detail.ts';
import type { TimeWindow } from './time-window.ts';

/** What is known of an actor at a time. */
export interface LaneSpot {
  readonly name: string;
  readonly at: number;
  /** The state it was in; undefined before the first that is remembered. */
  readonly stay: Stay | undefined;
  /** How long that state lasted, or has lasted, in milliseconds. */
  readonly lasted: number;
  readonly memoryMb: number | undefined;
  readonly budgetMb: number | undefined;
  readonly call: CallBar | undefined;
  /** What is marked there. */
  readonly marks: Lane['marks'];
}

/**
 * What a lane shows at a time; undefined after the end of what is known, and where a lane of instances has none.
 *
 * @param near how far from a mark is still at it, in milliseconds
 */
export function spotAt(
  lane: Lane,
  calls: readonly CallBar[] | undefined,
  at: number,
  until: number,
  near = 0,
): LaneSpot | undefined {
  if (at > until) return undefined;
  const index = lastUpTo(lane.stays, at, ({ from }) => from);
  const stay = lane.stays[index];
  if (lane.row !== undefined && (stay === undefined || stay.state === NO_INSTANCE)) return undefined;
  const end = lane.stays[index + 1]?.from ?? until;
  return {
    name: stay?.generation === undefined ? lane.name : `${lane.name} #${stay.generation}`,
    at,
    stay,
    lasted: stay === undefined ? 0 : end - stay.from,
    memoryMb: lane.memory[lastUpTo(lane.memory, at, (point) => point.at)]?.memoryMb,
    budgetMb: lane.budgetMb,
    call: calls?.findLast(({ from, to = until }) => from <= at && at <= to),
    marks: lane.marks.filter((mark) => Math.abs(mark.at - at) <= near).slice(0, 3),
  };
}

/** The actor that a lane is of at a time: in a lane of instances the worker, where there is one. */
export function actorAt(lane: Lane, at: number): ActorId {
  if (lane.row === undefined) return lane.id;
  const generation = lane.stays[lastUpTo(lane.stays, at, ({ from }) => from)]?.generation;
  return generation === undefined ? lane.id : workerId(lane.name, generation);
}

/** The time of the mark that is nearest to a time, if one is as near as that; else the time itself. */
export function timeOfMark({ marks }: Lane, at: number, near: number): number {
  const [nearest] = marks.toSorted((a, b) => Math.abs(a.at - at) - Math.abs(b.at - at));
  return nearest !== undefined && Math.abs(nearest.at - at) <= near ? nearest.at : at;
}

/** How long an actor was in each state within a window, in milliseconds. */
export function timesOf({ stays }: Lane, { from, to }: TimeWindow, until: number): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const [index, stay] of stays.entries()) {
    const end = Math.min(to, stays[index + 1]?.from ?? until);
    const length = end - Math.max(from, stay.from);
    if (length > 0) times.set(stay.state, (times.get(stay.state) ?? 0) + length);
  }
  return times;
}
