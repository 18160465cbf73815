import type { ActorId, InspectorRecord } from '../../wire.ts';

/** What a call that names no tool calls. */
const DEFAULT_TOOL = 'execute';

/** A call, from when it was made to its end. */
export interface CallBar {
  /** Tells calls apart. */
  readonly call: string;
  readonly tool: string;
  readonly from: number;
  /** Undefined while it runs. */
  readonly to: number | undefined;
  readonly failed: boolean;
}

/** The calls that records tell of, by plugin, in the order of their starts. One whose start is not remembered has its length. */
export function callBarsOf(records: readonly InspectorRecord[]): ReadonlyMap<ActorId, readonly CallBar[]> {
  const bars = new Map<ActorId, CallBar[]>();
  const open = new Map<string, { readonly of: CallBar[]; readonly index: number }>();
  for (const record of records) {
    if (record.kind !== 'call') continue;
    const { actor, call, at } = record;
    const of = bars.get(actor) ?? [];
    bars.set(actor, of);
    const key = `${actor} ${call}`;
    const { edge, tool = DEFAULT_TOOL } = record;
    const start = open.get(key);
    if (edge !== 'end') {
      // One that is slow and was not told of from its start.
      if (start !== undefined) continue;
      open.set(key, { of, index: of.length });
      of.push({ call, tool, from: at - (record.tookMs ?? 0), to: undefined, failed: false });
      continue;
    }
    const failed = record.outcome !== 'ok';
    open.delete(key);
    if (start === undefined) of.push({ call, tool, from: at - (record.tookMs ?? 0), to: at, failed });
    else of[start.index] = { call, tool, from: of[start.index]?.from ?? at, to: at, failed };
  }
  for (const of of bars.values()) of.sort((one, other) => one.from - other.from);
  return bars;
}
