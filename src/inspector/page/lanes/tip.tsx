import { actorText, memoryText } from '../store/format.ts';
import type { LaneSpot } from './spot.ts';
import { clockText, durationText } from './time-window.ts';

/** Where the pointer is over the lanes, and what is known of the actor there at that time. */
export interface PointedSpot extends LaneSpot {
  /** In pixels from the left edge and the top of the lanes. */
  readonly x: number;
  readonly y: number;
}

/** What is known of the actor at the pointer, beside the pointer. `width` is that of the lanes, in pixels. */
export function Tip({ spot, width }: { readonly spot: PointedSpot; readonly width: number }) {
  const { name, at, stay, lasted, memoryMb, budgetMb, call, marks, x, y } = spot;
  const side = x > width / 2 ? { right: `${width - x + 14}px` } : { left: `${x + 14}px` };
  return (
    <div class="lanes-tip" role="tooltip" style={{ ...side, top: `${y}px` }}>
      <b>
        <bdi>{name}</bdi>
      </b>{' '}
      <time>{clockText(at, true)}</time>
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
          {call.failed ? 'a failed call' : 'a call'} of {call.tool}
          {call.to === undefined ? ', still running' : `, ${durationText(call.to - call.from)}`}
        </div>
      )}
      {marks.map((mark) => (
        <div key={mark.seq}>{mark.kind === 'crash' ? '✕ crashed' : `▼ evicted for ${actorText(mark.asker ?? '')}`}</div>
      ))}
    </div>
  );
}
