import { useCallback, useEffect, useState } from 'preact/hooks';
import { PLUGIN_STATES } from '../palette.ts';
import { Glyph } from '../shell/glyph.tsx';
import { Drawing } from './drawing.tsx';
import { withInstances } from './instance-lanes.ts';
import './lanes.css';
import type { LanesProps } from './props.ts';
import { LanesTable } from './table.tsx';
import { durationText, type TimeWindow, windowWith, zoomWindow } from './time-window.ts';

/** What a window shows at first, in milliseconds: all of a session that is young. */
const SPAN = { least: 10_000, most: 60_000 } as const;
/** Room between the present and the right edge, as a part of the window. */
const AHEAD = 0.03;

/** The states of all actors over time, a lane each. Wheel and keys zoom, a click sets the cursor, dragging measures. */
export function Lanes(props: LanesProps) {
  const { instancesOf, calls, until, cursor, range, selected, onCursor, onRange } = props;
  const lanes =
    instancesOf === undefined ? props.lanes : props.lanes.flatMap((lane) => withInstances(lane, instancesOf(lane.id)));
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
        <Drawing
          {...props}
          lanes={lanes}
          window={window}
          onWindow={change}
          onZoom={zoomBy}
          selected={selected}
          first={first}
        />
      )}
    </section>
  );
}
