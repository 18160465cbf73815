import { placeAfter } from '../../binary-search.ts';
import type { Lane, Stay } from '../store/model.ts';
import type { CallBar } from './call-bars.ts';
import { type TimeWindow, timeAt, xOf } from './time-window.ts';

/** A state as it is drawn, in pixels from the left edge. */
export interface Bar {
  readonly x: number;
  readonly width: number;
  /** The state, or the one that takes most of the bar where several are too short to be drawn. */
  readonly stay: Stay;
  /** Whether there are several. */
  readonly dense: boolean;
}

/** Marks as they are drawn. */
export interface DrawnMark {
  readonly x: number;
  readonly kind: 'crash' | 'eviction';
  /** More than one where they would lie on one another. */
  readonly count: number;
}

/** Calls as they are drawn. */
export interface DrawnCalls {
  readonly x: number;
  readonly width: number;
  /** Whether one of them ended with an error. */
  readonly failed: boolean;
  /** The tool that is called, where it is one call alone. */
  readonly tool: string | undefined;
}

/** What is narrower, in pixels, is drawn together with what comes after it. */
const NARROW = 2;
/** Stays looked at in a bar of several: their number has no end. */
const SAMPLES = 8;
const MARK_WIDTH = 18;

/** The place of the last thing in order of time that is not after a time; -1 where there is none. */
export function lastUpTo<T>(list: readonly T[], at: number, timeOf: (item: T) => number): number {
  return placeAfter(list, at, timeOf) - 1;
}

const startOf = ({ from }: Stay): number => from;

/**
 * The bars of a lane within a window of so many pixels: never more than pixels, whatever the number of stays, and found
 * without looking at each of them.
 */
export function barsOf(stays: readonly Stay[], until: number, window: TimeWindow, width: number): Bar[] {
  const bars: Bar[] = [];
  const end = Math.min(width, xOf(until, window, width));
  let index = Math.max(0, lastUpTo(stays, window.from, startOf));
  let x = Math.max(0, xOf(stays[index]?.from ?? window.to, window, width));
  while (x < end) {
    const stay = stays[index];
    if (stay === undefined) break;
    const next = stays[index + 1];
    const stop = next === undefined ? end : Math.min(end, xOf(next.from, window, width));
    if (stop - x >= NARROW || next === undefined || stop >= end) {
      bars.push({ x, width: stop - x, stay, dense: false });
      index += 1;
      x = stop;
      continue;
    }
    const after = lastUpTo(stays, timeAt(x + NARROW, window, width), startOf);
    const last = Math.max(index, after);
    bars.push({ x, width: NARROW, stay: longest(stays, index, last), dense: last > index });
    x += NARROW;
    index = last;
  }
  return bars;
}

function longest(stays: readonly Stay[], first: number, last: number): Stay {
  let found = stays[first] as Stay;
  let most = -1;
  const step = Math.max(1, Math.floor((last - first + 1) / SAMPLES));
  for (let index = first; index <= last; index += step) {
    const stay = stays[index] as Stay;
    const length = (stays[index + 1]?.from ?? stay.from) - stay.from;
    if (length <= most) continue;
    most = length;
    found = stay;
  }
  return found;
}

/** The marks of a lane within a window; a crash is never hidden by an eviction. */
export function marksOf(marks: Lane['marks'], window: TimeWindow, width: number): DrawnMark[] {
  const drawn: DrawnMark[] = [];
  for (
    let index = Math.max(
      0,
      lastUpTo(marks, window.from, ({ at }) => at),
    );
    index < marks.length;
    index += 1
  ) {
    const mark = marks[index];
    if (mark === undefined || mark.at > window.to) break;
    if (mark.at < window.from) continue;
    const x = xOf(mark.at, window, width);
    const before = drawn.at(-1);
    if (before === undefined || x - before.x >= MARK_WIDTH) drawn.push({ x, kind: mark.kind, count: 1 });
    else {
      const kind = before.kind === 'crash' ? 'crash' : mark.kind;
      drawn[drawn.length - 1] = { x: before.x, kind, count: before.count + 1 };
    }
  }
  return drawn;
}

/** The calls of a lane within a window, those that touch as one; they must be in the order of their starts. */
export function callsOf(calls: readonly CallBar[], until: number, window: TimeWindow, width: number): DrawnCalls[] {
  const drawn: { -readonly [Key in keyof DrawnCalls]: DrawnCalls[Key] }[] = [];
  for (const { from, to = until, failed, tool } of calls) {
    if (to < window.from) continue;
    if (from > window.to || from > until) break;
    const x = Math.max(0, xOf(from, window, width));
    const stop = Math.min(width, Math.max(x + NARROW, xOf(to, window, width)));
    const before = drawn.at(-1);
    if (before === undefined || x > before.x + before.width + 0.5 || (failed !== before.failed && stop - x > NARROW)) {
      drawn.push({ x, width: stop - x, failed, tool });
    } else {
      before.width = Math.max(before.width, stop - before.x);
      before.failed ||= failed;
      before.tool = undefined;
    }
  }
  return drawn;
}

/** A line of memory within a window, `x` in pixels: the most of each pixel that has any. */
export function memoryLineOf(
  memory: Lane['memory'],
  window: TimeWindow,
  width: number,
): { readonly x: number; readonly memoryMb: number }[] {
  const line: { x: number; memoryMb: number }[] = [];
  for (
    let index = Math.max(
      0,
      lastUpTo(memory, window.from, ({ at }) => at),
    );
    index < memory.length;
    index += 1
  ) {
    const point = memory[index];
    if (point === undefined) break;
    const x = Math.round(xOf(point.at, window, width));
    const before = line.at(-1);
    if (before?.x === x) before.memoryMb = Math.max(before.memoryMb, point.memoryMb);
    else line.push({ x, memoryMb: point.memoryMb });
    if (point.at > window.to) break;
  }
  return line;
}
