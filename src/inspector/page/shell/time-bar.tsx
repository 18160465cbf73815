import { durationText, timeText } from '../store/format.ts';
import { usePage } from '../store/page.ts';

/** The instant that every pane shows, to be moved to any other that is remembered. */
export function TimeBar() {
  const page = usePage();
  void page.version.value;
  const [history, cursor, moment] = [page.history.value, page.cursor.value, page.moment.value];
  if (history === undefined) return null;
  const isLive = cursor === undefined;
  const now = cursor ?? history.seq;
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
        min={history.first}
        max={history.seq}
        value={now}
        onInput={(event) => {
          const seq = Number(event.currentTarget.value);
          page.lookAt(seq >= history.seq ? undefined : seq);
        }}
      />
      <output class="time-now">
        <span class="mono">{timeText(moment.at)}</span>
        <span class="muted">{isLive ? 'now' : `${durationText(ago)} before the latest`}</span>
      </output>
      <button type="button" class="to-live" disabled={isLive} onClick={() => page.lookAt(undefined)}>
        {page.source.value.kind === 'file' ? 'To the end' : 'Back to live'} <kbd>Esc</kbd>
      </button>
    </div>
  );
}
