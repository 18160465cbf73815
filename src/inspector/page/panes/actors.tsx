import { useEffect, useState } from 'preact/hooks';
import type { Json, JsonObject } from '../../wire.ts';
import { Empty } from '../shell/empty.tsx';
import { Glyph } from '../shell/glyph.tsx';
import { VirtualList } from '../shell/virtual-list.tsx';
import type { ActorItem, SortKey } from '../store/actor-list.ts';
import { actorText, durationText, memoryText, restartsText, stateText } from '../store/format.ts';
import { evictedFor, numberIn } from '../store/model.ts';
import { usePage } from '../store/page.ts';

const SORTS: readonly (readonly [SortKey, string])[] = [
  ['name', 'by name'],
  ['state', 'by state'],
  ['memory', 'by memory'],
  ['crashes', 'by crashes'],
  ['activity', 'by last activity'],
];

/** All actors at the instant that is looked at. */
export function Actors() {
  const page = usePage();
  const { items, plugins } = page.actors.value;
  const now = useNow(
    page.moment.value.at,
    page.cursor.value === undefined && page.source.value.kind === 'stream' && !page.hasEnded.value,
  );
  const selected = page.selected.value;
  const shown = items.filter(({ actor }) => actor.machine === 'plugin').length;
  return (
    <section class="pane pane-actors" aria-label="Actors">
      <div class="pane-head">
        <h2>Actors</h2>
        <span class="count">{shown === plugins ? plugins : `${shown} of ${plugins}`}</span>
        <span class="spring" />
        <button
          type="button"
          class="small"
          aria-pressed={page.isTree.value}
          onClick={() => {
            page.isTree.value = !page.isTree.peek();
          }}
        >
          Tree
        </button>
        <select
          class="small"
          aria-label="Order of the actors"
          value={page.sort.value}
          onChange={(event) => {
            page.sort.value = event.currentTarget.value as SortKey;
          }}
        >
          {SORTS.map(([key, text]) => (
            <option key={key} value={key}>
              {text}
            </option>
          ))}
        </select>
      </div>
      {items.length === 0 ? (
        <NoActors />
      ) : (
        <VirtualList
          items={items}
          rowHeight={46}
          role="tree"
          label="Actors"
          reveal={items.findIndex(({ actor }) => actor.id === selected)}
          keys={{ ArrowUp: () => page.selectNext(-1), ArrowDown: () => page.selectNext(1) }}
        >
          {(item, index) => (
            <ActorRow
              key={item.actor.id}
              item={item}
              now={now}
              place={index + 1}
              isSelected={item.actor.id === selected}
              onSelect={() => {
                page.selected.value = item.actor.id;
              }}
            />
          )}
        </VirtualList>
      )}
      {items.length > 0 && plugins === 0 && <NoPlugins />}
    </section>
  );
}

function codeIn(error: Json | undefined): string | undefined {
  const { code } = (error ?? {}) as JsonObject;
  return typeof code === 'string' ? code : undefined;
}

interface ActorRowProps {
  readonly item: ActorItem;
  readonly now: number;
  readonly place: number;
  readonly isSelected: boolean;
  readonly onSelect: () => void;
}

function ActorRow({ item: { actor, level }, now, place, isSelected, onSelect }: ActorRowProps) {
  const { id, machine, name, state, phase, since, context, crashes, facts } = actor;
  const memoryMb = numberIn(context, 'memoryMb');
  const restarts = numberIn(context, 'restarts') ?? 0;
  const waiting = numberIn(context, 'waiting') ?? 0;
  const inFlight = numberIn(context, 'inFlight') ?? 0;
  const pid = numberIn(context, 'pid');
  const siblings = Array.isArray(context['siblings']) ? context['siblings'].length : 0;
  const asker = evictedFor(actor);
  const isDisabled = context['enabled'] === false;
  // One that could not be loaded looks else as if nobody had tried.
  const failure = state === 'discovered' ? codeIn(context['lastError']) : undefined;
  const inWords = stateText(state, phase);
  const eviction = asker && `evicted for ${actorText(asker)}`;
  return (
    // The keys of the whole page go from actor to actor.
    <div
      class={`actor actor-level-${level}`}
      role="treeitem"
      aria-level={level}
      aria-posinset={place}
      aria-selected={isSelected}
      data-actor={id}
      onClick={onSelect}
    >
      <Glyph state={state} />
      <span class="actor-name" title={facts?.description === '' ? name : (facts?.description ?? name)}>
        {machine === 'worker' ? `worker ${id.slice(id.lastIndexOf('#'))}` : <bdi>{name}</bdi>}
      </span>
      <span class="actor-since muted">{since === undefined ? '' : durationText(now - since)}</span>
      <span class={`actor-state ink-${state}`} title={eviction && `${inWords} · ${eviction}`}>
        {eviction === undefined ? inWords : `${state} · ${eviction}`}
        {isDisabled && ' · disabled'}
      </span>
      <span class="actor-facts muted">
        {failure !== undefined && <span class="ink-crashed">{failure}</span>}
        {crashes > 0 && (
          <span class="ink-crashed" title={`Crashes: ${crashes}`}>
            ✕{crashes}
          </span>
        )}
        {siblings > 0 && <span title={`${siblings + 1} instances`}>×{siblings + 1}</span>}
        {restarts > 0 && <span title={restartsText(restarts)}>↻{restarts}</span>}
        {inFlight + waiting > 0 && (
          <span title={`${inFlight} calls running, ${waiting} waiting`}>
            {inFlight}▸{waiting > 0 && ` ${waiting}…`}
          </span>
        )}
        {memoryMb !== undefined && <span title="Memory of its process tree">{memoryText(memoryMb)}</span>}
        {pid !== undefined && machine !== 'worker' && <span title="Process">pid {pid}</span>}
      </span>
    </div>
  );
}

function NoActors() {
  const page = usePage();
  const [query, states] = [page.query.value.trim(), page.states.value];
  const why = [
    query !== '' && `nothing contains “${query}”`,
    states.size > 0 && `only ${[...states].join(', ')} is shown`,
  ].filter((each) => each !== false);
  if (why.length > 0) {
    return (
      <Empty title="No actor matches" action={{ text: 'Show all', onClick: () => page.clearFilters() }}>
        {why.join(', and ')}.
      </Empty>
    );
  }
  return <NoPlugins />;
}

function NoPlugins() {
  const page = usePage();
  if (/^(draining|stopped)/.test(page.moment.value.actors.get('supervisor')?.state ?? '')) {
    return (
      <Empty
        title="The supervisor has stopped"
        action={{ text: 'Show the time before', onClick: () => page.lookBeforeStop() }}
      >
        What they did is kept.
      </Empty>
    );
  }
  const paths = page.history.value?.known.supervisor.searchPaths ?? [];
  return <Empty title="No plugins at this instant">Put a manifest into {paths.join(' or ')}.</Empty>;
}

/** The present, a second apart; of a past instant, that. */
function useNow(at: number, isLive: boolean): number {
  const [, tick] = useState(0);
  useEffect(() => {
    if (!isLive) return undefined;
    const timer = setInterval(() => tick((count) => count + 1), 1_000);
    return () => clearInterval(timer);
  }, [isLive]);
  return isLive ? Math.max(at, Date.now()) : at;
}
