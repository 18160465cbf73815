import { durationText, timeText } from '../store/format.ts';
import { usePage } from '../store/page.ts';

/** By so many records an arrow goes on. */
const STEPS: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };

/** The instant that every pane shows, to be moved to any other that is remembered. */
export function TimeBar() {
  const page = usePage();
  void page.version.value;
  const [history, cursor, moment] = [page.history.value, page.cursor.value, page.moment.value];
  if (history === undefined) return null;
  const isLive = cursor === undefined;
  const now = cursor ?? history.seq;
  const [begin, end] = [history.firstAt, history.present.at];
  const ago = history.present.at - moment.at;
  return (
    <div class={isLive ? 'time-bar' : 'time-bar time-bar-past'}>
      <button type="button" class="square" aria-label="Previous transition of the actor" onClick={() => page.step(-1)}>
        ‹
      </button>
      <button type="button" class="square" aria-label="Next transition of the actor" onClick={() => page.step(1)}>
        ›
      </button>
      <input
        type="range"
        aria-label="Instant"
        aria-valuetext={`${timeText(moment.at)}, record ${now}`}
        min={begin}
        max={end}
        value={isLive ? end : moment.at}
        onKeyDown={(event) => {
          // A step of the bar would be a millisecond, in which there is nothing most of the time.
          const step = STEPS[event.key];
          if (step === undefined) return;
          event.preventDefault();
          page.lookAt(now + step >= history.seq ? undefined : now + step);
        }}
        onInput={(event) => {
          const at = Number(event.currentTarget.value);
          page.lookAt(at >= end ? undefined : history.instantAt(at));
        }}
      />
      <output class="time-now">
        <span class="mono">{timeText(moment.at)}</span>
        <span class="muted">
          {isLive ? 'now' : `${durationText(ago)} before the latest`}
          {now < history.complete.seq && ', calls forgotten'}
        </span>
      </output>
      <button type="button" class="to-live" disabled={isLive} onClick={() => page.lookAt(undefined)}>
        {page.source.value.kind === 'file' ? 'To the end' : 'Back to live'} <kbd>Esc</kbd>
      </button>
    </div>
  );
}
