import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ActorId } from '../../wire.ts';
import { PLUGIN_STATES } from '../palette.ts';
import { Glyph } from '../shell/glyph.tsx';
import { actorText, memoryText } from '../store/format.ts';
import type { Lane } from '../store/model.ts';
import type { CallBar } from './call-bars.ts';
import { colorsAt, type LaneColors } from './colors.ts';
import './lanes.css';
import { type LaneSpot, spotAt, timeOfMark } from './spot.ts';
import { LanesTable } from './table.tsx';
import { HEIGHTS, paintLanes, type Scene } from './paint.ts';
import {
  clockText,
  durationText,
  moveWindow,
  type TimeWindow,
  timeAt,
  windowWith,
  xOf,
  zoomWindow,
} from './time-window.ts';

/** What the lanes are drawn from. */
export interface LanesProps {
  readonly lanes: readonly Lane[];
  readonly calls: ReadonlyMap<ActorId, readonly CallBar[]>;
  /** The end of what is known, in milliseconds since the epoch. */
  readonly until: number;
  /** The instant that is looked at; undefined: live. */
  readonly cursor: number | undefined;
  /** The part of time that is measured and filtered by. */
  readonly range: TimeWindow | undefined;
  readonly selected: ActorId | undefined;
  readonly onCursor: (at: number | undefined) => void;
  readonly onRange: (range: TimeWindow | undefined) => void;
  readonly onSelect: (id: ActorId) => void;
}

/** What a window shows at first, in milliseconds: all of a session that is young. */
const SPAN = { least: 10_000, most: 60_000 } as const;
/** Room between the present and the right edge, as a part of the window. */
const AHEAD = 0.03;

/** The states of all actors over time, a lane each. Wheel and keys zoom, a click sets the cursor, dragging measures. */
export function Lanes(props: LanesProps) {
  const { lanes, calls, until, cursor, range, selected, onCursor, onRange } = props;
  const [asTable, setAsTable] = useState(false);
  const [zoomed, setZoomed] = useState<number | undefined>(undefined);
  const [held, setHeld] = useState<TimeWindow | undefined>(undefined);
  const first = Math.min(until, ...lanes.map(({ stays }) => stays[0]?.from ?? until));
  const span = zoomed ?? Math.min(SPAN.most, Math.max(SPAN.least, until - first));
  const followed = { from: until - span * (1 - AHEAD), to: until + span * AHEAD };
  const window = held ?? followed;
  const change = useCallback((next: TimeWindow | undefined) => {
    setHeld(next);
    if (next !== undefined) setZoomed(next.to - next.from);
  }, []);
  // A cursor set elsewhere is brought into sight; back to live follows again.
  useEffect(() => {
    if (cursor === undefined) setHeld(undefined);
    else setHeld((was) => windowWith(was ?? followed, cursor));
  }, [cursor]);
  const zoomBy = (factor: number): void => {
    if (held === undefined) setZoomed(span * factor);
    else change(zoomWindow(held, factor, cursor ?? (held.from + held.to) / 2));
  };
  return (
    <section class="lanes" aria-label="States over time">
      <div class="lanes-tools" role="toolbar" aria-label="States over time">
        <ul class="lanes-legend" aria-label="Legend">
          {PLUGIN_STATES.map((state) => (
            <li key={state}>
              <Glyph state={state} /> {state}
            </li>
          ))}
        </ul>
        {range !== undefined && (
          <button
            type="button"
            class="lanes-range"
            aria-label={`${durationText(range.to - range.from)} ✕, clear the measured range`}
            onClick={() => onRange(undefined)}
          >
            {durationText(range.to - range.from)} ✕
          </button>
        )}
        {(held !== undefined || cursor !== undefined) && (
          <button
            type="button"
            onClick={() => {
              setHeld(undefined);
              onCursor(undefined);
            }}
          >
            Follow
          </button>
        )}
        <button type="button" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          Table
        </button>
        <button type="button" onClick={() => change({ from: first, to: until + (until - first) * AHEAD + 1 })}>
          All
        </button>
        <button type="button" aria-label="Zoom in" onClick={() => zoomBy(0.7)}>
          +
        </button>
        <button type="button" aria-label="Zoom out" onClick={() => zoomBy(1 / 0.7)}>
          −
        </button>
      </div>
      {asTable ? (
        <div class="lanes-scroll" tabIndex={0} role="region" aria-label="States over time, as a table">
          <LanesTable
            lanes={lanes}
            calls={calls}
            window={range ?? { from: first, to: until }}
            at={cursor ?? until}
            until={until}
          />
        </div>
      ) : (
        <Drawing {...props} window={window} onWindow={change} onZoom={zoomBy} selected={selected} first={first} />
      )}
    </section>
  );
}

interface DrawingProps extends LanesProps {
  readonly window: TimeWindow;
  readonly onWindow: (window: TimeWindow) => void;
  readonly onZoom: (factor: number) => void;
  /** When the first of what is remembered began. */
  readonly first: number;
}

function Drawing(props: DrawingProps) {
  const { lanes, calls, until, cursor, range, selected, window, first, onCursor, onRange, onSelect, onWindow, onZoom } =
    props;
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const [scroll, setScroll] = useState(0);
  const [spot, setSpot] = useState<LaneSpot | undefined>(undefined);
  const [dragged, setDragged] = useState<TimeWindow | undefined>(undefined);
  const colors = useColors(scroller, canvas);

  useLayoutEffect(() => {
    const element = canvas.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => setSize({ width: element.clientWidth, height: element.clientHeight }));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const scene: Scene = useMemo(
    () => ({ lanes, calls, window, until, cursor, range: dragged ?? range, selected, ...size, scroll }),
    [lanes, calls, window.from, window.to, until, cursor, dragged, range, selected, size, scroll],
  );
  usePainting(canvas, scene, colors);

  const latest = useRef({ scene, onWindow, onCursor, onRange, onSelect });
  latest.current = { scene, onWindow, onCursor, onRange, onSelect };
  useEffect(() => {
    const element = canvas.current;
    if (element === null) return undefined;
    return listen(element, latest, setSpot, setDragged);
  }, []);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = KEYS[event.key];
    if (act === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    act({ ...props, pixels: size.width, far: event.shiftKey ? 60 : 6, onWindow, onZoom });
  };
  const firstLane = Math.max(0, Math.floor(scroll / HEIGHTS.lane) - 2);
  const shown = lanes.slice(firstLane, firstLane + Math.ceil(size.height / HEIGHTS.lane) + 5);
  return (
    <div class="lanes-scroll" ref={scroller} onScroll={(event) => setScroll(event.currentTarget.scrollTop)}>
      <div class="lanes-inner" style={{ height: `${lanes.length * HEIGHTS.lane + HEIGHTS.scale}px` }}>
        <ul class="lanes-names" aria-label="Actors">
          {shown.map((lane, index) => (
            <li
              key={lane.id}
              style={{ top: `${HEIGHTS.scale + (firstLane + index) * HEIGHTS.lane}px`, height: `${HEIGHTS.lane}px` }}
            >
              <button
                type="button"
                aria-pressed={lane.id === selected}
                title={lane.name}
                onClick={() => onSelect(lane.id)}
              >
                <LaneGlyph lane={lane} at={cursor ?? until} />
                <span>{lane.name}</span>
              </button>
            </li>
          ))}
        </ul>
        <div class="lanes-pane">
          <canvas
            ref={canvas}
            tabIndex={0}
            role="slider"
            aria-label="Time cursor. Left and right move it, up and down choose a lane, plus and minus zoom, Escape goes back to live."
            aria-valuemin={Math.round(first)}
            aria-valuemax={Math.round(until)}
            aria-valuenow={Math.round(cursor ?? until)}
            aria-valuetext={cursor === undefined ? 'live' : clockText(cursor, true)}
            onKeyDown={onKeyDown}
          />
          {spot !== undefined && <Tip spot={spot} width={size.width} />}
        </div>
        {lanes.length === 0 && <p class="lanes-empty">No actors yet. A lane appears for each discovered plugin.</p>}
      </div>
    </div>
  );
}

function LaneGlyph({ lane, at }: { readonly lane: Lane; readonly at: number }) {
  return <Glyph state={spotAt(lane, undefined, at, Number.POSITIVE_INFINITY)?.stay?.state ?? ''} />;
}

function Tip({
  spot,
  width,
}: {
  readonly spot: LaneSpot & { readonly x?: number; readonly y?: number };
  readonly width: number;
}) {
  const { name, at, stay, lasted, memoryMb, budgetMb, call, marks, x = 0, y = 0 } = spot;
  const side = x > width / 2 ? { right: `${width - x + 14}px` } : { left: `${x + 14}px` };
  return (
    <div class="lanes-tip" role="tooltip" style={{ ...side, top: `${y}px` }}>
      <b>{name}</b> <time>{clockText(at, true)}</time>
      {stay !== undefined && (
        <div>
          {stay.state}
          {stay.phase !== '' && ` · ${stay.phase}`} for {durationText(lasted)}
        </div>
      )}
      {memoryMb !== undefined && (
        <div>
          {memoryText(memoryMb)}
          {budgetMb !== undefined && ` of ${memoryText(budgetMb)}`}
        </div>
      )}
      {call !== undefined && (
        <div>
          {call.failed ? 'a failed call' : 'a call'}
          {call.to === undefined ? ', still running' : `, ${durationText(call.to - call.from)}`}
        </div>
      )}
      {marks.map((mark) => (
        <div key={mark.seq}>{mark.kind === 'crash' ? '✕ crashed' : `▼ evicted for ${actorText(mark.asker ?? '')}`}</div>
      ))}
    </div>
  );
}

/** Paints at most once a frame, and only after something has changed. */
function usePainting(
  canvas: { readonly current: HTMLCanvasElement | null },
  scene: Scene,
  colors: LaneColors | undefined,
): void {
  useEffect(() => {
    const frame = requestAnimationFrame(() => {
      const element = canvas.current;
      const pen = element?.getContext('2d', { alpha: false });
      if (element === null || pen === null || pen === undefined || colors === undefined || scene.width === 0) return;
      const ratio = devicePixelRatio;
      const [width, height] = [Math.round(scene.width * ratio), Math.round(scene.height * ratio)];
      if (element.width !== width) element.width = width;
      if (element.height !== height) element.height = height;
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      paintLanes(pen, scene, colors);
    });
    return () => cancelAnimationFrame(frame);
  }, [canvas, scene, colors]);
}

/** The colours in force, read again when the scheme changes, of the system or of the page. */
function useColors(
  at: { readonly current: HTMLElement | null },
  canvas: { readonly current: HTMLCanvasElement | null },
): LaneColors | undefined {
  const [colors, setColors] = useState<LaneColors | undefined>(undefined);
  useEffect(() => {
    const read = (): void => {
      const pen = canvas.current?.getContext('2d', { alpha: false });
      if (at.current !== null && pen !== null && pen !== undefined) setColors(colorsAt(at.current, pen));
    };
    read();
    const query = matchMedia('(prefers-color-scheme: dark)');
    query.addEventListener('change', read);
    const observer = new MutationObserver(read);
    observer.observe(document.documentElement, { attributes: true });
    return () => {
      query.removeEventListener('change', read);
      observer.disconnect();
    };
  }, [at, canvas]);
  return colors;
}

interface Latest {
  readonly current: Pick<DrawingProps, 'onWindow' | 'onCursor' | 'onRange' | 'onSelect'> & { readonly scene: Scene };
}

/** What the pointer and the wheel do; returns what ends it. */
function listen(
  element: HTMLCanvasElement,
  latest: Latest,
  showSpot: (spot: (LaneSpot & { x: number; y: number }) | undefined) => void,
  showRange: (range: TimeWindow | undefined) => void,
): () => void {
  let press: { readonly x: number; readonly window: TimeWindow; readonly pan: boolean; moved: boolean } | undefined;
  const placeOf = (event: MouseEvent): { x: number; y: number } => {
    const { left, top } = element.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };
  const laneAt = (y: number): Lane | undefined => {
    const { lanes, scroll } = latest.current.scene;
    return y < HEIGHTS.scale ? undefined : lanes[Math.floor((y - HEIGHTS.scale + scroll) / HEIGHTS.lane)];
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
        const spot = lane && spotAt(lane, calls.get(lane.id), timeAt(x, window, width), until, nearIn(scene));
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
      if (lane !== undefined) latest.current.onSelect(lane.id);
      const at = timeAt(x, scene.window, scene.width);
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

/** How far from the middle of a mark the pointer is still at it, in pixels. */
const MARK_REACH = 9;

/** The same in milliseconds. */
function nearIn({ window, width }: Scene): number {
  return (MARK_REACH / Math.max(1, width)) * (window.to - window.from);
}

function rangeOf(one: number, other: number, { window, width, until }: Scene): TimeWindow {
  const [from = 0, to = 0] = [one, other].map((x) => timeAt(x, window, width)).toSorted((a, b) => a - b);
  return { from, to: Math.max(from, Math.min(until, to)) };
}

interface KeyContext extends DrawingProps {
  /** The width of the lanes, and how far an arrow key goes. */
  readonly pixels: number;
  readonly far: number;
}

const KEYS: Readonly<Record<string, (context: KeyContext) => void>> = {
  ArrowLeft: (context) => stepBy(context, -context.far),
  ArrowRight: (context) => stepBy(context, context.far),
  ArrowUp: (context) => selectNext(context, -1),
  ArrowDown: (context) => selectNext(context, 1),
  Home: ({ first, onCursor }) => onCursor(first),
  End: ({ onCursor }) => onCursor(undefined),
  Escape: ({ onCursor, onRange }) => {
    onRange(undefined);
    onCursor(undefined);
  },
  '+': ({ onZoom }) => onZoom(0.7),
  '=': ({ onZoom }) => onZoom(0.7),
  '-': ({ onZoom }) => onZoom(1 / 0.7),
};

function stepBy({ cursor, until, first, window, pixels, onCursor }: KeyContext, by: number): void {
  const x = xOf(cursor ?? until, window, pixels) + by;
  const at = Math.max(first, timeAt(x, window, pixels));
  onCursor(at >= until ? undefined : at);
}

function selectNext({ lanes, selected, onSelect }: KeyContext, by: number): void {
  const index = lanes.findIndex(({ id }) => id === selected);
  const next = lanes[Math.min(lanes.length - 1, Math.max(0, index + by))];
  if (next !== undefined) onSelect(next.id);
}
