import type { CallItem } from './call-log.ts';

/** Which calls are wanted: all, or those that have not ended, failed or are slow. */
export type CallKind = 'all' | 'running' | 'failed' | 'slow';

/** What calls are sorted by: the latest, the one that ran for longest, or the tool. Those that a worker runs come first, then those that wait. */
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
    .toSorted((a, b) => turnOf(a) - turnOf(b) || ORDERS[filter.order](a, b));
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

const latestFirst: Order = (a, b) => b.from - a.from || (a.call < b.call ? 1 : -1);

const ORDERS: Readonly<Record<CallOrder, Order>> = {
  time: latestFirst,
  // Those that waited behind a long one took longer than it.
  took: (a, b) => b.parts.run - a.parts.run || b.tookMs - a.tookMs || latestFirst(a, b),
  tool: (a, b) => a.tool.localeCompare(b.tool) || latestFirst(a, b),
};

/**
 * How far behind the calls that a worker runs this one is listed: of a plugin that is asked for much, hundreds may be queued
 * behind the one that runs. One of which it is not known what it is at has just begun, behind those.
 */
function turnOf({ state, part }: CallItem): number {
  if (state !== 'running') return 3;
  return part === 'run' ? 0 : part === 'load' ? 1 : 2;
}
