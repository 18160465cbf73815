import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Glyph } from '../shell/glyph.tsx';
import { isolated } from '../store/format.ts';
import type { Lane } from '../store/model.ts';
import { KEYS } from './keys.ts';
import { heightOf, indexAt, topsOf } from './lane-places.ts';
import { HEIGHTS, type Scene } from './paint.ts';
import { followPointer } from './pointer.ts';
import type { DrawingProps } from './props.ts';
import { actorAt, spotAt } from './spot.ts';
import { clockText, type TimeWindow } from './time-window.ts';
import { type PointedSpot, Tip } from './tip.tsx';
import { useColors, usePainting } from './use-painting.ts';

/** The lanes as a drawing, with the names of the actors. */
export function Drawing(props: DrawingProps) {
  const {
    lanes,
    calls,
    until,
    cursor,
    range,
    selected,
    window,
    first,
    onCursor,
    onRange,
    onSelect,
    onCall,
    onWindow,
    onZoom,
  } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const [scroll, setScroll] = useState(0);
  const [spot, setSpot] = useState<PointedSpot | undefined>(undefined);
  const [dragged, setDragged] = useState<TimeWindow | undefined>(undefined);
  const colors = useColors(scroller, canvas);

  useLayoutEffect(() => {
    const element = canvas.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => setSize({ width: element.clientWidth, height: element.clientHeight }));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const tops = useMemo(() => topsOf(lanes), [lanes]);
  const scene: Scene = useMemo(
    () => ({ lanes, tops, calls, window, until, cursor, range: dragged ?? range, selected, ...size, scroll }),
    [lanes, tops, calls, window.from, window.to, until, cursor, dragged, range, selected, size, scroll],
  );
  usePainting(canvas, scene, colors);
  const index = lanes.findIndex((lane) => lane.id === selected);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null || index < 0 || size.height === 0) return;
    const [top = 0, end = 0] = [tops[index], tops[index + 1]];
    const seen = size.height - HEIGHTS.scale;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (end > element.scrollTop + seen) element.scrollTop = end - seen;
  }, [selected, index, size.height > 0]);

  const latest = useRef({ scene, onWindow, onCursor, onRange, onSelect, onCall });
  latest.current = { scene, onWindow, onCursor, onRange, onSelect, onCall };
  useEffect(() => {
    const element = canvas.current;
    if (element === null) return undefined;
    return followPointer(element, latest, setSpot, setDragged);
  }, []);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = KEYS[event.key];
    if (act === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    act({ ...props, pixels: size.width, far: event.shiftKey ? 60 : 6, onWindow, onZoom });
  };
  const firstLane = Math.max(0, indexAt(tops, scroll) - 2);
  const shown = lanes.slice(firstLane, indexAt(tops, scroll + size.height) + 3);
  const at = cursor ?? until;
  return (
    <div class="lanes-scroll" ref={scroller} onScroll={(event) => setScroll(event.currentTarget.scrollTop)}>
      <div class="lanes-inner" style={{ height: `${(tops.at(-1) ?? 0) + HEIGHTS.scale}px` }}>
        <ul class="lanes-names" aria-label="Actors">
          {shown.map((lane, index) => (
            <li
              key={`${lane.id} ${lane.row ?? ''}`}
              class={lane.row === undefined ? undefined : 'lanes-row'}
              style={{ top: `${HEIGHTS.scale + (tops[firstLane + index] ?? 0)}px`, height: `${heightOf(lane)}px` }}
            >
              <LaneName lane={lane} at={at} selected={selected} onSelect={onSelect} />
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

interface LaneNameProps extends Pick<DrawingProps, 'selected' | 'onSelect'> {
  readonly lane: Lane;
  readonly at: number;
}

/** The name of an actor, or the number of the instance that is there at the instant. */
function LaneName({ lane, at, selected, onSelect }: LaneNameProps) {
  const stay = spotAt(lane, undefined, at, Number.POSITIVE_INFINITY)?.stay;
  const { name, row } = lane;
  if (row !== undefined && stay === undefined) return null;
  const actor = actorAt(lane, at);
  const title = row === undefined ? name : `${isolated(name)} #${stay?.generation}`;
  return (
    <button
      type="button"
      aria-pressed={actor === selected}
      title={title}
      aria-label={title}
      onClick={() => onSelect(actor)}
    >
      <Glyph state={stay?.state ?? ''} />
      <span>{row === undefined ? <bdi>{name}</bdi> : `#${stay?.generation}`}</span>
    </button>
  );
}
