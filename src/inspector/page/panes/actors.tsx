import { useEffect, useState } from 'preact/hooks';
import { Empty } from '../shell/empty.tsx';
import { VirtualList } from '../shell/virtual-list.tsx';
import type { SortKey } from '../store/actor-list.ts';
import { pluginOf } from '../store/model.ts';
import { usePage } from '../store/page.ts';
import { ActorHeads } from './actor-heads.tsx';
import { ActorRow } from './actor-row.tsx';

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
    <section class="pane pane-actors" aria-label="Plugins">
      <div class="pane-head">
        <h2>Plugins</h2>
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
          aria-label="Order of the plugins"
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
        <>
          <ActorHeads />
          <VirtualList
            items={items}
            rowHeight={40}
            role="tree"
            label="Plugins"
            reveal={items.findIndex(({ actor }) => actor.id === selected)}
            keys={{
              ArrowUp: () => page.selectNext(-1),
              ArrowDown: () => page.selectNext(1),
              ArrowRight: () => page.fold(selected, false),
              ArrowLeft: () => page.fold(pluginOf(selected), true),
            }}
          >
            {(item, index) => (
              <ActorRow
                key={item.actor.id}
                item={item}
                now={now}
                place={index + 1}
                isSelected={item.actor.id === selected}
              />
            )}
          </VirtualList>
        </>
      )}
      {items.length > 0 && plugins === 0 && <NoPlugins />}
    </section>
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
