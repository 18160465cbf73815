import { placeAfter } from '../../binary-search.ts';
import type { Lane } from '../store/model.ts';

/** Heights in pixels of a lane of an actor, and of one of its instances. */
export const LANE_HEIGHT = 36;
export const ROW_HEIGHT = 19;

/** How high a lane is, in pixels. */
export const heightOf = ({ row }: Lane): number => (row === undefined ? LANE_HEIGHT : ROW_HEIGHT);

/** Where each lane begins below the first, in pixels, and last of all where they end. */
export function topsOf(lanes: readonly Lane[]): readonly number[] {
  let top = 0;
  return [0, ...lanes.map((lane) => (top += heightOf(lane)))];
}

/** The index of the lane at a height, in pixels below the top of the first; at least -1, and beyond the last behind them. */
export const indexAt = (tops: readonly number[], y: number): number => placeAfter(tops, y, (top) => top) - 1;
