import type { ChartState } from '../../wire.ts';
import { countText } from '../store/format.ts';
import type { GraphEdge, SourcedTransition } from './graph.ts';
import { causeText } from './states.ts';

/** How often and how long an actor was in a state, as far as that is remembered. */
export interface StateStatistics {
  readonly visits: number;
  /** In milliseconds, all visits together. */
  readonly dwellMs: number;
}

/** What a state says on a closer look. */
export function StateCard({
  state,
  statistics,
}: {
  readonly state: ChartState;
  readonly statistics: StateStatistics | undefined;
}) {
  const { key, path, type, entry, exit, invokes, transitions } = state;
  const stays = transitions.filter(({ targets }) => targets.length === 0);
  return (
    <div class="chart-card">
      <p class="chart-card-title">
        <b>{path === '' ? key : path.replaceAll('.', ' › ')}</b> {type !== 'atomic' && type}
      </p>
      {statistics !== undefined && (
        <p>
          {countText(statistics.visits, 'visit')}, {secondsText(statistics.dwellMs)} in all
        </p>
      )}
      <dl>
        <Names term="entry" names={entry} />
        <Names term="exit" names={exit} />
        <Names term="runs" names={invokes.map(({ source }) => source)} />
      </dl>
      <Transitions of={stays.map((transition) => ({ source: state, transition }))} heading="Stays here on" />
    </div>
  );
}

/** What the transitions of an arrow say on a closer look. */
export function ArrowCard({ edge }: { readonly edge: GraphEdge }) {
  return (
    <div class="chart-card">
      <Transitions of={edge.transitions} heading={`${edge.from || 'machine'} → ${edge.to}`} />
    </div>
  );
}

function Names({ term, names }: { readonly term: string; readonly names: readonly string[] }) {
  if (names.length === 0) return null;
  return (
    <>
      <dt>{term}</dt>
      <dd>{names.join(', ')}</dd>
    </>
  );
}

function Transitions({ of, heading }: { readonly of: readonly SourcedTransition[]; readonly heading: string }) {
  if (of.length === 0) return null;
  return (
    <>
      <p class="chart-card-title">{heading}</p>
      <ul>
        {of.map(({ source, transition }, index) => (
          <li key={index}>
            <code>{causeText(transition, source)}</code>
            {transition.guard !== undefined && <span> if {transition.guard}</span>}
            {transition.actions.length > 0 && (
              <span class="chart-card-actions"> / {transition.actions.join(', ')}</span>
            )}
            <span class="chart-card-source"> in {source.key}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

const secondsText = (ms: number): string => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);
