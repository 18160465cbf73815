import { useRef } from 'preact/hooks';
import { placeAfter, seqOf } from '../../binary-search.ts';
import { Empty } from '../shell/empty.tsx';
import { Glyph } from '../shell/glyph.tsx';
import { VirtualList } from '../shell/virtual-list.tsx';
import { actorText, durationText, eventText, timeText } from '../store/format.ts';
import { stateAndPhase } from '../store/model.ts';
import { type Page, usePage } from '../store/page.ts';
import type { Row } from '../store/rows.ts';

/** What has happened, a row each. Those after the instant that is looked at are dim. */
export function Events() {
  const page = usePage();
  const { shown } = page.rows.value;
  const [cursor, isFollowing] = [page.cursor.value, page.isFollowing.value];
  const seen = useRef(shown.length);
  const isLive = cursor === undefined;
  if (isFollowing && isLive) seen.current = shown.length;
  const unseen = Math.max(0, shown.length - seen.current);
  const now = isLive ? Number.POSITIVE_INFINITY : cursor;
  const current = placeAfter(shown, now, seqOf) - 1;
  const step = (to: number): void => {
    const row = shown[Math.min(Math.max(to, 0), shown.length - 1)];
    if (row !== undefined) lookAt(page, row);
  };
  const keys = {
    ArrowUp: () => step(isLive ? current : current - 1),
    ArrowDown: () => step(current + 1),
    Delete: () => page.hideType(shown[current]?.type ?? ''),
  };
  return (
    <section class="pane pane-events" aria-label="Events">
      <div class="pane-head">
        <h2>Events</h2>
        <span class="count">{shown.length.toLocaleString()}</span>
        <span class="spring" />
        <Toggle text="This actor" on={page.ofSelected} />
        <Toggle text="Transitions" on={page.transitionsOnly} />
        <Toggle text="Errors" on={page.errorsOnly} />
        <Toggle text="Internal" on={page.showsInternal} />
        <Toggle text="Follow" on={page.isFollowing} />
      </div>
      <Filters />
      {shown.length === 0 ? (
        <NoEvents />
      ) : (
        <VirtualList
          items={shown}
          rowHeight={24}
          role="table"
          label="Events"
          follows={isFollowing && isLive}
          onFollow={(follows) => {
            page.isFollowing.value = follows;
          }}
          reveal={isLive ? undefined : current}
          keys={keys}
        >
          {(row, index) => (
            <EventRow key={row.seq} row={row} before={shown[index - 1]} place={index + 1} now={now} cursor={cursor} />
          )}
        </VirtualList>
      )}
      {unseen > 0 && isLive && (
        <button
          type="button"
          class="unseen"
          onClick={() => {
            page.isFollowing.value = true;
          }}
        >
          {unseen.toLocaleString()} new ↓
        </button>
      )}
    </section>
  );
}

/** The last instant that a row tells of. */
function endOf({ seq, transition }: Row): number {
  return Math.max(seq, transition?.seq ?? 0);
}

/** Shows what a row tells of, at its instant. */
function lookAt(page: Page, row: Row): void {
  const { kind } = row.record;
  page.selected.value = row.actor;
  // Whoever reads the log sees the lines around the event.
  if (page.tab.peek() !== 'logs') page.tab.value = kind === 'crash' ? 'crash' : kind === 'decision' ? 'why' : 'event';
  page.lookAt(endOf(row));
}

interface EventRowProps {
  readonly row: Row;
  readonly before: Row | undefined;
  readonly place: number;
  /** The instant that is looked at. */
  readonly now: number;
  readonly cursor: number | undefined;
}

function EventRow({ row, before, place, now, cursor }: EventRowProps) {
  const page = usePage();
  const { seq, at, actor, source, type, note, isError } = row;
  const transition = row.transition !== undefined && row.transition.seq <= now ? row.transition : undefined;
  const end = endOf(row);
  const isCurrent = cursor !== undefined && cursor >= seq && cursor <= end;
  const to = transition && stateAndPhase(actor.startsWith('plugin:') ? 'plugin' : 'worker', transition.to);
  return (
    <div
      class="event"
      role="row"
      aria-rowindex={place}
      aria-current={isCurrent ? 'time' : undefined}
      data-seq={seq}
      data-later={seq > now}
      data-error={isError}
      onClick={() => lookAt(page, row)}
    >
      <span role="cell" class="event-time" title={before && `${durationText(at - before.at)} after the one before`}>
        {timeText(at)}
      </span>
      <span role="cell" class="event-delta muted">
        {before === undefined ? '' : deltaText(at - before.at)}
      </span>
      <span role="cell" class="event-actor" title={actor}>
        {source !== undefined && source !== actor && <span class="muted">{actorText(source)} → </span>}
        {actorText(actor)}
      </span>
      <span role="cell" class="event-type" title={type}>
        {page.showsInternal.value && type !== '' ? type : eventText(type)}
        <button
          type="button"
          class="event-hide"
          tabIndex={-1}
          aria-label={`Hide ${eventText(type)}`}
          title="Hide this type"
          onClick={(event) => {
            event.stopPropagation();
            page.hideType(type);
          }}
        >
          ×
        </button>
      </span>
      <span role="cell" class="event-to" title={note}>
        {to !== undefined && transition !== undefined && (
          <>
            <Glyph state={to.state} />{' '}
            <span class={`ink-${to.state}`} title={`${transition.from} → ${transition.to}`}>
              {transition.to}
            </span>{' '}
          </>
        )}
        <bdi>{note}</bdi>
      </span>
    </div>
  );
}

/** What is left out, each to be taken back by a click. */
function Filters() {
  const page = usePage();
  const [hidden, type, range] = [page.hiddenTypes.value, page.onlyType.value, page.range.value];
  if (hidden.size === 0 && type === undefined && range === undefined) return null;
  return (
    <div class="filters">
      {type !== undefined && (
        <button
          type="button"
          class="filter"
          onClick={() => {
            page.onlyType.value = undefined;
          }}
        >
          only {eventText(type)} <span aria-label="remove">×</span>
        </button>
      )}
      {range !== undefined && (
        <button
          type="button"
          class="filter"
          onClick={() => {
            page.range.value = undefined;
          }}
        >
          {timeText(range.from)} to {timeText(range.to)}, {durationText(range.to - range.from)}{' '}
          <span aria-label="remove">×</span>
        </button>
      )}
      {[...hidden].map((each) => (
        <button key={each} type="button" class="filter" onClick={() => showType(page, each)}>
          <s>{eventText(each)}</s> <span aria-label="show again">×</span>
        </button>
      ))}
    </div>
  );
}

function showType(page: Page, type: string): void {
  page.hiddenTypes.value = new Set([...page.hiddenTypes.peek()].filter((each) => each !== type));
}

function NoEvents() {
  const page = usePage();
  const history = page.history.value;
  if (history === undefined || history.records.length === 0) {
    return <Empty title="Nothing has happened yet">Call a plugin: its events appear here.</Empty>;
  }
  const why = [
    page.query.value.trim() !== '' && `nothing contains “${page.query.value.trim()}”`,
    page.ofSelected.value && `only ${actorText(page.selected.value)} is shown`,
    page.transitionsOnly.value && 'only transitions are shown',
    page.errorsOnly.value && 'only errors are shown',
    page.onlyType.value !== undefined && `only ${eventText(page.onlyType.value)} is shown`,
    page.hiddenTypes.value.size > 0 && `${page.hiddenTypes.value.size} types are hidden`,
    page.range.value !== undefined && 'a time range is selected',
  ].filter((each) => each !== false);
  return (
    <Empty
      title="No event matches"
      action={{
        text: 'Show all',
        onClick: () => {
          page.query.value = '';
          page.clearEventFilters();
        },
      }}
    >
      {why.join(', ')}.
    </Empty>
  );
}

function Toggle({ text, on }: { readonly text: string; readonly on: Page['ofSelected'] }) {
  return (
    <button
      type="button"
      class="small"
      aria-pressed={on.value}
      onClick={() => {
        on.value = !on.peek();
      }}
    >
      {text}
    </button>
  );
}

const deltaText = (ms: number): string => (ms < 1 ? '' : `+${durationText(ms)}`);
