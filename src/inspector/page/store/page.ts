import { batch, computed, signal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { ActorId, Alert, AlertKind, InspectorRecord, PluginState, Sync, TransitionRecord } from '../../wire.ts';
import { listActors, type SortKey } from './actor-list.ts';
import { History } from './history.ts';
import { type Moment, pluginOf } from './model.ts';
import type { Rates } from './rates.ts';
import { type RowFilter, Rows } from './rows.ts';
import type { StreamState } from './stream.ts';

/** Where what is shown comes from. */
export type Source =
  | { readonly kind: 'stream'; readonly state: StreamState }
  | { readonly kind: 'file'; readonly name: string }
  /** Neither a token nor a file. */
  | { readonly kind: 'nothing' };

/** The tabs of the details. */
export const DETAILS_TABS = [
  'context',
  'chart',
  'logs',
  'process',
  'calls',
  'jobs',
  'why',
  'config',
  'crash',
  'event',
] as const;
export type DetailsTab = (typeof DETAILS_TABS)[number];

/** The panes, of which a narrow page shows one. */
export type PaneName = 'actors' | 'events' | 'details' | 'lanes';

/** The tab of the details that says most of an alert. */
const TAB_OF_ALERT: Readonly<Record<AlertKind, DetailsTab>> = {
  'given-up': 'crash',
  hung: 'crash',
  crashed: 'crash',
  refused: 'why',
  waiting: 'why',
  slow: 'calls',
  manifest: 'event',
};

const NO_MOMENT: Moment = { seq: 0, at: 0, actors: new Map() };

/** What the page shows and how. Everything that changes is a signal; the panes read them and draw. */
export class Page {
  readonly source = signal<Source>({ kind: 'nothing' });
  readonly history = signal<History | undefined>(undefined);
  /** Rises when the history has grown, at most once a frame. */
  readonly version = signal(0);
  /** How many records the runtime had to leave out. */
  readonly dropped = signal(0);
  /** The instant that is looked at; undefined: the present. */
  readonly cursor = signal<number | undefined>(undefined);
  readonly selected = signal<ActorId>('supervisor');

  readonly states = signal<ReadonlySet<PluginState>>(new Set());
  readonly query = signal('');
  readonly sort = signal<SortKey>('name');
  readonly isTree = signal(true);
  /** The plugins whose workers are listed. */
  readonly unfolded = signal<ReadonlySet<ActorId>>(new Set());

  readonly ofSelected = signal(false);
  readonly transitionsOnly = signal(false);
  readonly errorsOnly = signal(false);
  /** Whether what is inside XState is shown too, and events by the names that the machines have for them. */
  readonly showsInternal = signal(false);
  readonly hiddenTypes = signal<ReadonlySet<string>>(new Set());
  readonly onlyType = signal<string | undefined>(undefined);
  readonly range = signal<RowFilter['range']>(undefined);
  readonly isFollowing = signal(true);

  readonly isExpanded = signal(false);
  readonly tab = signal<DetailsTab>('context');
  readonly pane = signal<PaneName>('actors');
  /** The call that is looked at. */
  readonly call = signal<string | undefined>(undefined);
  /** The job that is looked at. */
  readonly job = signal<string | undefined>(undefined);
  readonly isHelpOpen = signal(false);
  /** Something that the user is to read, such as why a file cannot be opened. */
  readonly notice = signal('');

  /** All actors at the instant that is looked at. */
  readonly moment = computed<Moment>(() => {
    void this.version.value;
    const [history, cursor] = [this.history.value, this.cursor.value];
    if (history === undefined) return NO_MOMENT;
    return cursor === undefined ? history.present : history.at(cursor);
  });

  /** The actor whose chart and details are shown, at that instant. */
  readonly actor = computed(() => this.moment.value.actors.get(this.selected.value));

  readonly #rowFilter = computed<RowFilter>(() => ({
    query: this.query.value.trim(),
    actor: this.ofSelected.value ? this.selected.value : undefined,
    transitionsOnly: this.transitionsOnly.value,
    errorsOnly: this.errorsOnly.value,
    showsInternal: this.showsInternal.value,
    hiddenTypes: this.hiddenTypes.value,
    type: this.onlyType.value,
    range: this.range.value,
  }));
  readonly #rows = new Rows();

  /** The rows of the events pane, and the actors that the search has found by them. */
  readonly rows = computed(() => {
    void this.version.value;
    const history = this.history.value;
    if (history === undefined) return { shown: [], matching: new Set<ActorId>() };
    const { shown, matching } = this.#rows.update(history, this.#rowFilter.value);
    return { shown, matching };
  });

  /** The actors as the list shows them. */
  readonly actors = computed(() =>
    listActors(this.moment.value, {
      query: this.query.value.trim(),
      states: this.states.value,
      matching: this.query.value.trim() === '' ? new Set() : this.rows.value.matching,
      sort: this.sort.value,
      isTree: this.isTree.value,
      unfolded: this.unfolded.value,
      selected: this.selected.value,
    }),
  );

  /** Whether the runtime has ended, as far as this page can tell. */
  readonly hasEnded = computed(() => {
    const source = this.source.value;
    if (source.kind !== 'stream' || ['live', 'opening', 'full'].includes(source.state)) return false;
    if (source.state !== 'reconnecting') return this.history.value !== undefined;
    return this.moment.value.actors.get('supervisor')?.active.includes('stopped') === true;
  });

  /** What plugins use over time; undefined where there is no runtime behind this page. */
  rates: Rates | undefined;
  /** What the runtime gives its data for; undefined where there is none behind this page. */
  token: string | undefined;
  /** Ends the stream, so that nothing takes the place of what is opened. */
  leaveStream: () => void = () => {};

  #isDue = false;
  #waiting: InspectorRecord[] = [];

  /** A stream has begun, or begun anew. What is known from before stays. */
  sync(sync: Sync): void {
    this.flush();
    const known = this.history.peek();
    const isSameRun = known !== undefined && known.seq <= sync.seq;
    const own = new Set(sync.records.map(({ seq }) => seq));
    const kept = isSameRun ? known.records.filter(({ seq }) => !own.has(seq)) : [];
    const records = [...kept, ...sync.records].toSorted((a, b) => a.seq - b.seq);
    this.show(new History(sync, records));
  }

  /** Adds records, which are drawn with the next frame. */
  add(records: readonly InspectorRecord[]): void {
    for (const record of records) this.#waiting.push(record);
    if (this.#isDue) return;
    this.#isDue = true;
    const draw = (): void => {
      if (!this.#isDue) return;
      this.#isDue = false;
      this.flush();
    };
    // A page that nobody sees has no frames, but must not gather for ever.
    if (document.hidden) setTimeout(draw, 250);
    else requestAnimationFrame(draw);
  }

  flush(): void {
    const history = this.history.peek();
    const records = this.#waiting;
    this.#waiting = [];
    if (history === undefined || records.length === 0) return;
    history.add(records);
    this.version.value += 1;
  }

  /** Shows another session, or the same one anew. */
  show(history: History): void {
    batch(() => {
      this.history.value = history;
      this.version.value += 1;
    });
  }

  /** Looks at an instant; undefined: at the present. */
  lookAt(seq: number | undefined): void {
    this.flush();
    const history = this.history.peek();
    if (seq === undefined || history === undefined) this.cursor.value = undefined;
    else this.cursor.value = Math.min(Math.max(seq, history.first), history.seq);
  }

  /** Shows a call among those of its plugin. */
  lookAtCall(plugin: ActorId, call: string): void {
    batch(() => {
      this.selected.value = plugin;
      this.tab.value = 'calls';
      this.call.value = call;
      this.pane.value = 'details';
    });
  }

  /** Stops at what is shown now, or goes on. */
  togglePause(): void {
    this.lookAt(this.cursor.peek() === undefined ? this.history.peek()?.seq : undefined);
  }

  /** Looks at the transition of the selected actor before or after the instant that is looked at. */
  step(direction: -1 | 1): void {
    const history = this.history.peek();
    if (history === undefined) return;
    const now = this.cursor.peek() ?? history.seq + 1;
    const own: readonly TransitionRecord[] = history.transitionsOf(this.selected.peek());
    const next = direction < 0 ? own.findLast(({ seq }) => seq < now) : own.find(({ seq }) => seq > now);
    if (next !== undefined) this.lookAt(next.seq);
    else if (direction > 0) this.lookAt(undefined);
  }

  /** Looks at the last instant before the supervisor began to stop, at which its plugins were still there. */
  lookBeforeStop(): void {
    const stop = this.history
      .peek()
      ?.transitionsOf('supervisor')
      .find(({ to }) => /^(draining|stopped)/.test(to));
    if (stop !== undefined) this.lookAt(stop.seq - 1);
  }

  /** Selects the actor before or after the selected one in the list. */
  selectNext(direction: -1 | 1): void {
    const list = this.actors.peek().items;
    const place = list.findIndex(({ actor }) => actor.id === this.selected.peek());
    const next = list[Math.min(Math.max(place + direction, 0), list.length - 1)];
    if (next !== undefined) this.selected.value = next.actor.id;
  }

  /** Lists the workers of a plugin, or folds them into it; whichever it is not, where that is not said. */
  fold(id: ActorId, isFolded = this.unfolded.peek().has(id)): void {
    const unfolded = new Set(this.unfolded.peek());
    if (isFolded) unfolded.delete(id);
    else unfolded.add(id);
    batch(() => {
      // The row of a selected worker would be gone.
      if (isFolded && pluginOf(this.selected.peek()) === id) this.selected.value = id;
      this.unfolded.value = unfolded;
    });
  }

  /** What is wrong at the end of what is known. */
  readonly alerts = computed<readonly Alert[]>(() => {
    void this.version.value;
    const found = this.history.value?.present.actors.get('supervisor')?.context['alerts'];
    return Array.isArray(found) ? found : [];
  });

  /** How many other things are wrong. */
  readonly moreAlerts = computed(() => {
    void this.version.value;
    const more = this.history.value?.present.actors.get('supervisor')?.context['moreAlerts'];
    return typeof more === 'number' ? more : 0;
  });

  /** Shows whom an alert is about, at the instant at which it arose where that is remembered. */
  showAlert({ kind, actor, at, seq }: Alert): void {
    const history = this.history.peek();
    const instant = seq ?? history?.instantAt(at);
    batch(() => {
      this.selected.value = actor;
      this.tab.value = TAB_OF_ALERT[kind];
      this.pane.value = 'details';
      this.lookAt(instant !== undefined && history !== undefined && instant > history.first ? instant : undefined);
    });
  }

  toggleState(state: PluginState): void {
    const states = new Set(this.states.peek());
    if (!states.delete(state)) states.add(state);
    this.states.value = states;
  }

  hideType(type: string): void {
    this.hiddenTypes.value = new Set([...this.hiddenTypes.peek(), type]);
  }

  /** Shows all actors and all events again. */
  clearFilters(): void {
    batch(() => {
      this.states.value = new Set();
      this.query.value = '';
      this.clearEventFilters();
    });
  }

  clearEventFilters(): void {
    batch(() => {
      this.ofSelected.value = false;
      this.transitionsOnly.value = false;
      this.errorsOnly.value = false;
      this.hiddenTypes.value = new Set();
      this.onlyType.value = undefined;
      this.range.value = undefined;
    });
  }
}

/** The page that a component is part of. */
export const PageContext = createContext<Page>(undefined as never);

/** {@link PageContext} at hand. */
export const usePage = (): Page => useContext(PageContext);
