import type { ActorId, PluginState } from '../../wire.ts';
import { PLUGIN_STATES } from '../palette.ts';
import { type ActorState, type Moment, numberIn } from './model.ts';

/** What actors are sorted by; the most or the latest first, names from A. */
export type SortKey = 'name' | 'state' | 'memory' | 'crashes' | 'activity';

/** What of the actors is wanted, and how. */
export interface ActorFilter {
  readonly query: string;
  /** Empty: all. */
  readonly states: ReadonlySet<PluginState>;
  /** Actors that are wanted for what has happened to them. */
  readonly matching: ReadonlySet<ActorId>;
  readonly sort: SortKey;
  readonly isTree: boolean;
  /** The plugins whose workers are wanted too; those of a selected worker are in any case. */
  readonly unfolded: ReadonlySet<ActorId>;
  readonly selected: ActorId;
}

/** An actor in the list. */
export interface ActorItem {
  readonly actor: ActorState;
  /** How deep it stands in the tree, from 1. */
  readonly level: number;
  /** How many workers it has, and whether they follow it in the list. */
  readonly workers: number;
  readonly isUnfolded: boolean;
}

/** The list and what it is out of. */
export interface ActorList {
  readonly items: readonly ActorItem[];
  readonly counts: Readonly<Record<PluginState, number>>;
  /** How many plugins there are, wanted or not. */
  readonly plugins: number;
  readonly workers: number;
}

/** The actors of one instant that are wanted, in order: a tree of supervisor, scheduler, plugins and their workers, or plugins alone. */
export function listActors({ actors }: Moment, filter: ActorFilter): ActorList {
  const { query, states, matching, sort, isTree, unfolded, selected } = filter;
  const counts: Record<string, number> = Object.fromEntries(PLUGIN_STATES.map((state) => [state, 0]));
  const needle = query.toLowerCase();
  const plugins: ActorState[] = [];
  const workers = new Map<string, ActorState[]>();
  let [all, allWorkers] = [0, 0];
  for (const actor of actors.values()) {
    if (actor.machine === 'worker') {
      allWorkers += 1;
      const own = workers.get(actor.name);
      if (own === undefined) workers.set(actor.name, [actor]);
      else own.push(actor);
    } else if (actor.machine === 'plugin') {
      all += 1;
      counts[actor.state] = (counts[actor.state] ?? 0) + 1;
      if (states.size > 0 && !states.has(actor.state as PluginState)) continue;
      if (needle === '' || matches(actor, needle) || matching.has(actor.id)) plugins.push(actor);
    }
  }
  plugins.sort(ORDERS[sort]);
  const isWhole = states.size === 0 && needle === '';
  const items: ActorItem[] = [];
  const own = (id: ActorId): ActorState | undefined => actors.get(id);
  for (const [id, level] of [
    ['supervisor', 1],
    ['scheduler', 2],
  ] as const) {
    const actor = own(id);
    if (actor !== undefined && isTree && isWhole) items.push({ actor, level, workers: 0, isUnfolded: false });
  }
  for (const actor of plugins) {
    const level = isTree && isWhole ? 2 : 1;
    const its = workers.get(actor.name) ?? [];
    const isUnfolded = its.length > 0 && (unfolded.has(actor.id) || its.some(({ id }) => id === selected));
    items.push({ actor, level, workers: its.length, isUnfolded });
    if (!isUnfolded) continue;
    for (const worker of its) items.push({ actor: worker, level: level + 1, workers: 0, isUnfolded: false });
  }
  return { items, counts: counts as Record<PluginState, number>, plugins: all, workers: allWorkers };
}

function matches({ name, state, phase, context }: ActorState, needle: string): boolean {
  const error = JSON.stringify(context['lastError'] ?? '');
  return [name, state, phase, error].some((text) => text.toLowerCase().includes(needle));
}

type Order = (a: ActorState, b: ActorState) => number;

const byName: Order = (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
const byMost =
  (amount: (actor: ActorState) => number): Order =>
  (a, b) =>
    amount(b) - amount(a) || byName(a, b);

const ORDERS: Readonly<Record<SortKey, Order>> = {
  name: byName,
  state: byMost(({ state }) => PLUGIN_STATES.indexOf(state as PluginState)),
  memory: byMost(({ context }) => numberIn(context, 'memoryMb') ?? -1),
  crashes: byMost(({ crashes }) => crashes),
  activity: byMost(({ lastAt }) => lastAt),
};
