import type { ActorId } from '../../wire.ts';
import { PLUGIN_STATES } from '../palette.ts';
import { ColumnHeads } from '../shell/column-heads.tsx';
import { memoryText } from '../store/format.ts';
import type { Lane, Stay } from '../store/model.ts';
import type { CallBar } from './call-bars.ts';
import { spotAt, timesOf } from './spot.ts';
import { clockText, durationText, type TimeWindow } from './time-window.ts';

/** What {@link LanesTable} is made from. */
export interface LanesTableProps {
  readonly lanes: readonly Lane[];
  readonly calls: ReadonlyMap<ActorId, readonly CallBar[]>;
  /** The time that is summed up. */
  readonly window: TimeWindow;
  /** The instant whose states are told. */
  readonly at: number;
  readonly until: number;
}

/** What the lanes show, as a table: each actor's state at an instant, and how long it was in which over some time. */
export function LanesTable({ lanes, calls, window, at, until }: LanesTableProps) {
  return (
    <table class="lanes-table">
      <caption>
        States at {clockText(at, true)}, and time in each from {clockText(window.from, false)} to{' '}
        {clockText(window.to, false)}
      </caption>
      <ColumnHeads names={['Actor', 'State', ...PLUGIN_STATES, 'Calls', 'Crashes', 'Evictions', 'Memory']} />
      <tbody>
        {lanes.map((lane) => {
          const spot = spotAt(lane, undefined, Math.min(at, until), until);
          const times = timesOf(lane, window, until);
          const marked = lane.marks.filter((mark) => mark.at >= window.from && mark.at <= window.to);
          return (
            <tr key={`${lane.id} ${lane.row ?? ''}`}>
              <th scope="row">
                <bdi>{lane.name}</bdi>
                {lane.row !== undefined && `, instance ${lane.row}`}
              </th>
              <td>{stateIn(lane, spot?.stay)}</td>
              {PLUGIN_STATES.map((state) => (
                <td key={state}>{durationText(times.get(state) ?? 0)}</td>
              ))}
              <td>
                {lane.row === undefined &&
                  (calls.get(lane.id) ?? []).filter(({ from }) => from >= window.from && from <= window.to).length}
              </td>
              <td>{marked.filter(({ kind }) => kind === 'crash').length}</td>
              <td>{marked.filter(({ kind }) => kind === 'eviction').length}</td>
              <td>{spot?.memoryMb === undefined ? '' : memoryText(spot.memoryMb)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function stateIn({ row }: Lane, stay: Stay | undefined): string {
  if (stay === undefined) return row === undefined ? 'unknown' : 'none';
  const which = stay.generation === undefined ? '' : `#${stay.generation} `;
  return which + [stay.state, stay.phase].filter(Boolean).join(' · ');
}
