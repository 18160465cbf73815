import type { Lane } from '../store/model.ts';
import type { CallBar } from './call-bars.ts';
import { indexAt } from './lane-places.ts';
import { HEIGHTS, type Scene } from './paint.ts';
import type { DrawingProps } from './props.ts';
import { actorAt, spotAt, timeOfMark } from './spot.ts';
import { moveWindow, type TimeWindow, timeAt, zoomWindow } from './time-window.ts';
import type { PointedSpot } from './tip.tsx';

/** What is drawn now, and what the pointer may do to it. */
export interface PointerContext
  extends Pick<DrawingProps, 'onWindow' | 'onCursor' | 'onRange' | 'onSelect' | 'onCall'> {
  readonly scene: Scene;
}

/** Follows the pointer and the wheel over the lanes; returns what ends it. `latest` holds what is drawn at the moment. */
export function followPointer(
  element: HTMLCanvasElement,
  latest: { readonly current: PointerContext },
  showSpot: (spot: PointedSpot | undefined) => void,
  showRange: (range: TimeWindow | undefined) => void,
): () => void {
  let press: { readonly x: number; readonly window: TimeWindow; readonly pan: boolean; moved: boolean } | undefined;
  const placeOf = (event: MouseEvent): { x: number; y: number } => {
    const { left, top } = element.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };
  const laneAt = (y: number): Lane | undefined => {
    const { lanes, tops, scroll } = latest.current.scene;
    return y < HEIGHTS.scale ? undefined : lanes[indexAt(tops, y - HEIGHTS.scale + scroll)];
  };
  const on = {
    wheel: (event: WheelEvent) => {
      event.preventDefault();
      const { window, width } = latest.current.scene;
      const aside = event.shiftKey ? event.deltaY : event.deltaX;
      const length = window.to - window.from;
      if (Math.abs(aside) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
        latest.current.onWindow(moveWindow(window, (aside / width) * length));
        return;
      }
      const factor = Math.exp(event.deltaY * (event.ctrlKey ? 0.01 : 0.002));
      latest.current.onWindow(zoomWindow(window, factor, timeAt(placeOf(event).x, window, width)));
    },
    pointerdown: (event: PointerEvent) => {
      if (event.button > 1) return;
      const pan = event.shiftKey || event.button === 1;
      press = { x: placeOf(event).x, window: latest.current.scene.window, pan, moved: false };
      element.setPointerCapture(event.pointerId);
    },
    pointermove: (event: PointerEvent) => {
      const { x, y } = placeOf(event);
      const { scene } = latest.current;
      const { window, width, calls, until } = scene;
      if (press === undefined) {
        const lane = laneAt(y);
        const spot = lane && spotAt(lane, callsIn(lane, calls), timeAt(x, window, width), until, nearIn(scene));
        showSpot(spot && { ...spot, x, y });
        return;
      }
      if (!press.moved && Math.abs(x - press.x) < 4) return;
      press.moved = true;
      showSpot(undefined);
      if (press.pan) {
        const { from, to } = press.window;
        latest.current.onWindow(moveWindow(press.window, ((press.x - x) / width) * (to - from)));
      } else showRange(rangeOf(press.x, x, scene));
    },
    pointerup: (event: PointerEvent) => {
      const { x, y } = placeOf(event);
      const { scene } = latest.current;
      const { moved, pan, x: start } = press ?? { moved: true, pan: true, x };
      press = undefined;
      showRange(undefined);
      if (moved && !pan) latest.current.onRange(rangeOf(start, x, scene));
      if (moved) return;
      const lane = laneAt(y);
      const at = timeAt(x, scene.window, scene.width);
      const call = lane && callAt(lane, y, at, scene);
      if (lane !== undefined && call !== undefined) return latest.current.onCall(lane.id, call.call);
      if (lane !== undefined) latest.current.onSelect(actorAt(lane, at));
      latest.current.onCursor(Math.min(scene.until, lane === undefined ? at : timeOfMark(lane, at, nearIn(scene))));
    },
    pointercancel: () => {
      press = undefined;
      showRange(undefined);
    },
    pointerleave: () => showSpot(undefined),
  };
  const ending = new AbortController();
  for (const [name, listener] of Object.entries(on)) {
    element.addEventListener(name, listener as EventListener, { passive: false, signal: ending.signal });
  }
  return () => ending.abort();
}

/** Calls are told of plugins, not of their instances. */
const callsIn = ({ id, row }: Lane, calls: Scene['calls']): readonly CallBar[] | undefined =>
  row === undefined ? calls.get(id) : undefined;

/** The call that is drawn at a height of the lanes and a time: the last of those that touch there. */
function callAt(lane: Lane, y: number, at: number, scene: Scene): CallBar | undefined {
  const { tops, scroll, until, calls, window, width } = scene;
  const inside = y - HEIGHTS.scale + scroll - (tops[scene.lanes.indexOf(lane)] ?? 0);
  const [top, high] = HEIGHTS.calls;
  if (inside < top || inside > top + high) return undefined;
  // Calls that take no time are drawn as wide as can be seen.
  const near = (CALL_REACH / Math.max(1, width)) * (window.to - window.from);
  return callsIn(lane, calls)?.findLast(({ from, to = until }) => from - near <= at && at <= to + near);
}

/** How far from a call the pointer is still at it, in pixels. */
const CALL_REACH = 3;

/** How far from the middle of a mark the pointer is still at it, in pixels. */
const MARK_REACH = 9;

/** The same in milliseconds. */
function nearIn({ window, width }: Scene): number {
  return (MARK_REACH / Math.max(1, width)) * (window.to - window.from);
}

/** The part of time between two places, up to the end of what is known. */
function rangeOf(one: number, other: number, { window, width, until }: Scene): TimeWindow {
  const [from = 0, to = 0] = [one, other].map((x) => timeAt(x, window, width)).toSorted((a, b) => a - b);
  return { from, to: Math.max(from, Math.min(until, to)) };
}
