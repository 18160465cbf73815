import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { LogLevel } from '../../wire-logs.ts';
import { Empty } from '../shell/empty.tsx';
import { VirtualList } from '../shell/virtual-list.tsx';
import { countText, timeText } from '../store/format.ts';
import type { ActorState } from '../store/model.ts';
import { usePage } from '../store/page.ts';
import { BeyondRow } from './beyond-row.tsx';
import { LineDetail } from './line-detail.tsx';
import { LineRow } from './line-row.tsx';
import { isLeftOut, type LogRow, LogView } from './log-view.ts';
import './logs.css';

const ROW_HEIGHT = 20;
/** How long nothing is typed before it is searched for, in milliseconds. */
const TYPING_MS = 200;
/** So near to the first or last row more rows are asked for. */
const NEAR = 20;

/** The row that the user has gone to, while the page shows the instant at which they did. */
interface Chosen {
  readonly row: LogRow;
  readonly cursor: number | undefined;
}

/** The log of a plugin, or of all where the actor is of none: at the instant that is looked at, or as it comes. */
export function Logs({ actor }: { readonly actor: ActorState }) {
  const page = usePage();
  const { token } = page;
  const source = page.source.value;
  const isRuntime = source.kind === 'stream' && token !== undefined;
  if (!isRuntime) {
    return (
      <Empty title="A session file has no logs">
        It holds what happened, not what the plugins printed. Their logs are shown while their runtime is inspected.
      </Empty>
    );
  }
  const isOfPlugin = actor.machine === 'plugin' || actor.machine === 'worker';
  const plugin = isOfPlugin ? actor.name : undefined;
  return <LogOf key={plugin ?? ''} token={token} plugin={plugin} isConnected={source.state === 'live'} />;
}

interface LogOfProps {
  readonly token: string;
  readonly plugin: string | undefined;
  /** Whether the runtime answers. */
  readonly isConnected: boolean;
}

function LogOf({ token, plugin, isConnected }: LogOfProps) {
  const page = usePage();
  const cursor = page.cursor.value;
  const at = cursor === undefined ? undefined : page.moment.value.at;
  const [typed, setTyped] = useState('');
  const [text, setText] = useState('');
  const [level, setLevel] = useState<LogLevel | undefined>(undefined);
  const [chosen, setChosen] = useState<Chosen | undefined>(undefined);
  const [follows, setFollows] = useState(true);
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const timer = setTimeout(() => setText(typed.trim()), TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  const view = useMemo(() => new LogView(token, { plugin, text, level }), [token, plugin, text, level]);
  useEffect(() => {
    view.show(at);
    return () => view.close();
  }, [view]);
  const own = chosen !== undefined && chosen.cursor === cursor ? chosen.row : undefined;
  const isFirst = useRef(true);
  useEffect(() => {
    if (isFirst.current) isFirst.current = false;
    else if (at === undefined || (own === undefined && !view.covers(at))) view.show(at);
    else view.stop();
  }, [at]);
  useEffect(() => {
    if (isConnected && view.error.peek() !== '') view.show(at);
  }, [isConnected]);
  useEffect(() => {
    const onChange = (): void => (document.hidden ? view.pause() : view.resume());
    document.addEventListener('visibilitychange', onChange);
    return () => document.removeEventListener('visibilitychange', onChange);
  }, [view]);

  const rows = view.rows.value;
  const isLive = cursor === undefined;
  const now = at ?? Number.POSITIVE_INFINITY;
  const current = useMemo(() => {
    const place = own === undefined ? -1 : rows.findIndex((row) => isSame(row, own));
    return place === -1 ? rows.findLastIndex((row) => row.at <= now) : place;
  }, [rows, own, now]);
  const errors = useMemo(() => rows.filter((row) => !isLeftOut(row) && row.level === 'error'), [rows]);
  const items = useMemo((): readonly (LogRow | 'before' | 'after')[] => ['before', ...rows, 'after'], [rows]);
  const isFiltered = text !== '' || level !== undefined;
  const choose = (row: LogRow | undefined): void => {
    if (row === undefined) return;
    setChosen({ row, cursor });
    setFollows(false);
  };
  /** Has the page show the instant at which a line was printed. */
  const goTo = (row: LogRow | undefined): void => {
    const history = page.history.peek();
    if (row === undefined || history === undefined) return;
    page.lookAt(history.instantAt(row.at));
    setChosen({ row, cursor: page.cursor.peek() });
  };
  const step = (by: number): void => choose(rows[Math.min(Math.max(current + by, 0), rows.length - 1)]);
  const keys = {
    ArrowUp: () => step(-1),
    ArrowDown: () => step(1),
    PageUp: () => step(-NEAR),
    PageDown: () => step(NEAR),
    Home: () => choose(rows[0]),
    End: () => (isLive ? setFollows(true) : choose(rows.at(-1))),
    Enter: () => goTo(rows[current]),
  };
  const isFollowing = isLive && follows;
  return (
    <div class="logs" ref={list}>
      <div class="logs-head">
        <input
          type="search"
          placeholder="Filter lines"
          aria-label="Filter lines"
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
        <select
          aria-label="Level"
          value={level ?? ''}
          onChange={(event) => setLevel((event.currentTarget.value || undefined) as LogLevel | undefined)}
        >
          <option value="">All levels</option>
          <option value="info">Info or worse</option>
          <option value="warn">Warnings or worse</option>
          <option value="error">Errors only</option>
        </select>
        {errors.length > 0 && (
          <button
            type="button"
            class="small logs-errors"
            title="Go to the first error that is shown"
            onClick={() => {
              choose(errors[0]);
              list.current?.querySelector<HTMLElement>('.virtual')?.focus();
            }}
          >
            {countText(errors.length, 'error')}
          </button>
        )}
        <span class="spring" />
        {isLive ? (
          <button type="button" class="small" aria-pressed={isFollowing} onClick={() => setFollows(!isFollowing)}>
            Follow
          </button>
        ) : (
          <span class="muted logs-at">at {timeText(now)}</span>
        )}
      </div>
      {view.error.value !== '' && (
        <p class="logs-error" role="alert">
          The log cannot be read: {view.error.value}{' '}
          <button type="button" class="small" onClick={() => view.show(at)}>
            Try again
          </button>
        </p>
      )}
      <VirtualList
        items={items}
        rowHeight={ROW_HEIGHT}
        role="table"
        label={plugin === undefined ? 'Log of all plugins' : `Log of ${plugin}`}
        shift={view.shift.value}
        follows={isFollowing}
        onFollow={setFollows}
        onNear={(end) => view.load(end)}
        reveal={isLive && own === undefined ? undefined : current + 1}
        keys={keys}
      >
        {(item, index) =>
          typeof item === 'string' ? (
            <BeyondRow key={item} view={view} way={item} place={index + 1} isFiltered={isFiltered} />
          ) : (
            <LineRow
              key={isLeftOut(item) ? `left ${item.place}` : item.place}
              row={item}
              place={index + 1}
              isOfAll={plugin === undefined}
              isLater={item.at > now}
              isCurrent={index === current + 1 && (!isLive || own !== undefined)}
              onChoose={() => goTo(item)}
            />
          )
        }
      </VirtualList>
      {own !== undefined && !isLeftOut(own) && <LineDetail line={own} onGo={() => goTo(own)} />}
    </div>
  );
}

function isSame(one: LogRow, other: LogRow): boolean {
  return one.place === other.place && isLeftOut(one) === isLeftOut(other);
}
