import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { JobRow, JobState } from '../../wire-jobs.ts';
import { mayAct } from '../panes/act.ts';
import { Empty } from '../shell/empty.tsx';
import '../shell/split.css';
import { VirtualList } from '../shell/virtual-list.tsx';
import { isolated } from '../store/format.ts';
import type { ActorState } from '../store/model.ts';
import { usePage } from '../store/page.ts';
import { JobListRow } from './job-list-row.tsx';
import { JOB_STATES } from './job-text.ts';
import { JobView } from './job-view.tsx';
import './jobs.css';
import { JobsView } from './jobs-view.ts';
import { NoJobs } from './no-jobs.tsx';
import { Queues } from './queues.tsx';

const ROW_HEIGHT = 24;
/** How long nothing is typed before it is searched for, in milliseconds. */
const TYPING_MS = 200;
/** What identifiers are made of. */
const OF_ID = /^[0-9a-f-]{0,36}$/;

/** The jobs of a plugin, or of all where the supervisor is selected: a list, and one of them or how many each plugin has. */
export function Jobs({ actor }: { readonly actor: ActorState }) {
  const page = usePage();
  const { token } = page;
  const source = page.source.value;
  if (source.kind !== 'stream' || token === undefined) {
    return (
      <Empty title="A session file has no jobs">
        Jobs are kept in a store of their own. They are shown while their runtime is inspected.
      </Empty>
    );
  }
  const plugin = actor.machine === 'plugin' ? actor.name : undefined;
  return <JobsOf key={plugin ?? ''} token={token} plugin={plugin} isConnected={source.state === 'live'} />;
}

interface JobsOfProps {
  readonly token: string;
  readonly plugin: string | undefined;
  /** Whether the runtime answers. */
  readonly isConnected: boolean;
}

function JobsOf({ token, plugin, isConnected }: JobsOfProps) {
  const page = usePage();
  const view = useMemo(() => new JobsView(token, plugin), [token, plugin]);
  const [state, setState] = useState<JobState | undefined>(undefined);
  const [of, setOf] = useState<string | undefined>(undefined);
  const [typed, setTyped] = useState('');
  const [prefix, setPrefix] = useState('');
  const wanted = typed.trim().toLowerCase();
  const isId = OF_ID.test(wanted);
  useEffect(() => {
    if (!isId) return undefined;
    const timer = setTimeout(() => setPrefix(wanted), TYPING_MS);
    return () => clearTimeout(timer);
  }, [wanted, isId]);
  useEffect(() => view.show({ plugin: plugin ?? of, state, prefix }), [view, plugin, of, state, prefix]);
  useEffect(() => {
    const onChange = (): void => (document.hidden ? view.close() : view.open());
    onChange();
    document.addEventListener('visibilitychange', onChange);
    return () => {
      document.removeEventListener('visibilitychange', onChange);
      view.close();
    };
  }, [view]);
  useEffect(() => {
    if (isConnected && view.error.peek() !== '') view.open();
  }, [isConnected]);

  const standing = view.standing.value;
  const fault = view.error.value !== '' && (
    <p class="jobs-fault" role="alert">
      The jobs cannot be read: <bdi>{view.error.value}</bdi>{' '}
      <button type="button" class="small" onClick={() => view.open()}>
        Try again
      </button>
    </p>
  );
  if (standing.kind !== 'open')
    return (
      <div class="jobs split">
        {fault}
        {standing.kind === 'closed' && <NoJobs plugin={plugin} refusal={standing.refusal} />}
      </div>
    );
  const queues = [...view.plugins.value.values()];
  const counted = of === undefined ? queues : queues.filter((each) => each.plugin === of);
  const select = (id: string | undefined): void => {
    page.job.value = id;
  };
  const isFiltered = state !== undefined || prefix !== '' || of !== undefined;
  return (
    <div class="jobs split">
      {fault}
      <div class="split-tools">
        <States of={counted} chosen={state} onChoose={setState} />
        {plugin === undefined && (queues.length > 1 || of !== undefined) && (
          <select
            class="small"
            aria-label="Only jobs of"
            value={of ?? ''}
            onChange={(event) => setOf(event.currentTarget.value || undefined)}
          >
            <option value="">All plugins</option>
            {[...new Set([...queues.map((each) => each.plugin), ...(of === undefined ? [] : [of])])]
              .toSorted()
              .map((name) => (
                <option key={name} value={name}>
                  {isolated(name)}
                </option>
              ))}
          </select>
        )}
        <input
          type="search"
          class="small"
          placeholder="Identifier"
          aria-label="Only jobs whose identifier begins with"
          aria-invalid={!isId}
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
        {!isId && (
          <span class="jobs-fault" role="status">
            Identifiers have only 0–9, a–f and -
          </span>
        )}
      </div>
      {page.cursor.value !== undefined && <p class="jobs-now muted">The jobs as they are now, not at this instant.</p>}
      <div class="split-panes">
        <List
          view={view}
          isOfAll={plugin === undefined && of === undefined}
          isFiltered={isFiltered}
          onSelect={select}
        />
        <div
          class="split-side"
          role="region"
          tabIndex={0}
          aria-label={page.job.value === undefined ? 'Queues' : 'The job'}
        >
          {page.job.value === undefined ? (
            <Queues view={view} plugin={plugin} mayControl={mayAct(page)} />
          ) : (
            <JobView key={page.job.value} id={page.job.value} view={view} token={token} of={plugin} />
          )}
        </div>
      </div>
    </div>
  );
}

interface ListProps {
  readonly view: JobsView;
  readonly isOfAll: boolean;
  readonly isFiltered: boolean;
  readonly onSelect: (id: string | undefined) => void;
}

function List({ view, isOfAll, isFiltered, onSelect }: ListProps) {
  const page = usePage();
  const list = useRef<HTMLDivElement>(null);
  const [rows, beyond, plugins] = [view.rows.value, view.beyond.value, view.plugins.value];
  const place = rows.findIndex(({ id }) => id === page.job.value);
  const shift = useShift(view.added.value, list);
  // Only when another is selected: the list does not go back to it when jobs are added.
  const revealed = useRef<{ readonly id: string | undefined; readonly place: number }>({ id: undefined, place: -1 });
  if (revealed.current.id !== page.job.value && (place !== -1 || page.job.value === undefined))
    revealed.current = { id: page.job.value, place: place - shift };
  if (rows.length === 0 && beyond === 'end')
    return isFiltered ? (
      <Empty title="No job matches" />
    ) : (
      <Empty title="No jobs">A job appears here when it is added.</Empty>
    );
  const step = (to: number): void => onSelect(rows[Math.min(Math.max(to, 0), rows.length - 1)]?.id);
  const items: readonly (JobRow | 'beyond')[] = beyond === 'end' ? rows : [...rows, 'beyond'];
  return (
    <div class="jobs-list" ref={list}>
      <VirtualList
        items={items}
        rowHeight={ROW_HEIGHT}
        role="table"
        label="Jobs"
        shift={shift}
        reveal={revealed.current.place === -1 ? undefined : revealed.current.place + shift}
        onNear={(end) => end === 'after' && view.more()}
        keys={{
          ArrowUp: () => step(place - 1),
          ArrowDown: () => step(place + 1),
          PageUp: () => step(place - 10),
          PageDown: () => step(place + 10),
          Home: () => step(0),
          End: () => step(rows.length - 1),
        }}
      >
        {(item, index) =>
          item === 'beyond' ? (
            <div key="beyond" class="split-row muted" role="row" aria-rowindex={index + 1}>
              <span role="cell">Reading …</span>
            </div>
          ) : (
            <JobListRow
              key={item.id}
              job={item}
              place={index + 1}
              isOfAll={isOfAll}
              isSelected={item.id === page.job.value}
              waitsFor={plugins.get(item.plugin)?.waitsFor}
              onSelect={() => onSelect(item.id)}
            />
          )
        }
      </VirtualList>
    </div>
  );
}

/** How far the rows are shifted that are in sight: at its beginning the list goes on, further down they stay. */
function useShift(added: number, list: { readonly current: HTMLElement | null }): number {
  const shift = useRef(0);
  const seen = useRef(added);
  const isAtStart = (list.current?.querySelector('.virtual')?.scrollTop ?? 0) < ROW_HEIGHT;
  if (!isAtStart) shift.current += added - seen.current;
  seen.current = added;
  return shift.current;
}

interface StatesProps {
  readonly of: readonly { readonly counts: Readonly<Partial<Record<JobState, number>>> }[];
  readonly chosen: JobState | undefined;
  readonly onChoose: (state: JobState | undefined) => void;
}

/** How many jobs there are in each state, each a filter. */
function States({ of, chosen, onChoose }: StatesProps) {
  const counts = JOB_STATES.map((state) => ({
    state,
    count: of.reduce((sum, { counts: own }) => sum + (own[state] ?? 0), 0),
  }));
  const all = counts.reduce((sum, { count }) => sum + count, 0);
  return (
    <div class="jobs-states" role="group" aria-label="Only jobs in this state">
      <button type="button" class="small" aria-pressed={chosen === undefined} onClick={() => onChoose(undefined)}>
        All <b>{all.toLocaleString()}</b>
      </button>
      {counts
        .filter(({ state, count }) => count > 0 || state === chosen)
        .map(({ state, count }) => (
          <button
            key={state}
            type="button"
            class="small"
            aria-pressed={state === chosen}
            onClick={() => onChoose(state === chosen ? undefined : state)}
          >
            {state} <b>{count.toLocaleString()}</b>
          </button>
        ))}
    </div>
  );
}
