import type { CallItem } from './call-log.ts';

/** Which calls are wanted: all, or those that run, failed or are slow. */
export type CallKind = 'all' | 'running' | 'failed' | 'slow';

/** What calls are sorted by: the latest, the longest, or the tool. Those that a worker runs come first, then those that wait. */
export type CallOrder = 'time' | 'took' | 'tool';

/** What of the calls is wanted, and how. */
export interface CallFilter {
  /** Undefined: of all plugins. */
  readonly plugin: string | undefined;
  readonly kind: CallKind;
  readonly query: string;
  readonly order: CallOrder;
}

/** The calls that are wanted, in order. */
export function chooseCalls(calls: readonly CallItem[], filter: CallFilter): CallItem[] {
  const needle = filter.query.trim().toLowerCase();
  return calls
    .filter((call) => isWanted(call, filter, needle))
    .toSorted((a, b) => runningFirst(a, b) || ORDERS[filter.order](a, b));
}

function isWanted(item: CallItem, { plugin, kind }: CallFilter, needle: string): boolean {
  if (plugin !== undefined && item.plugin !== plugin) return false;
  if (kind === 'slow' ? !item.isSlow : kind !== 'all' && item.state !== kind) return false;
  if (needle === '') return true;
  const { call, tool, client, outcome, errorType, message } = item;
  return [call, item.plugin, tool, client, outcome, errorType, message].some((text) =>
    text?.toLowerCase().includes(needle),
  );
}

type Order = (a: CallItem, b: CallItem) => number;

/**
 * Of a plugin that is asked for much, hundreds of calls may be queued behind the one that runs. Of several that run, the one
 * that began first stands first, in any order: a quick one is gone before it is read.
 */
const runningFirst: Order = (a, b) => turnOf(a) - turnOf(b) || (turnOf(a) === 0 ? a.from - b.from : 0);
const latestFirst: Order = (a, b) => b.from - a.from || (a.call < b.call ? 1 : -1);

const ORDERS: Readonly<Record<CallOrder, Order>> = {
  time: latestFirst,
  took: (a, b) => b.tookMs - a.tookMs || latestFirst(a, b),
  tool: (a, b) => a.tool.localeCompare(b.tool) || latestFirst(a, b),
};

/** How far behind the calls that a worker runs this one is listed. */
function turnOf({ state, part }: CallItem): number {
  if (state !== 'running') return 3;
  return part === 'queue' ? 2 : part === 'load' ? 1 : 0;
}
