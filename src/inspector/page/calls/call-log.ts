import { placeAfter, seqOf } from '../../binary-search.ts';
import type { CallPart, CallPayload, CallRecord } from '../../wire.ts';
import type { RunningCall } from '../../wire-calls.ts';
import { actorText } from '../store/format.ts';
import type { History } from '../store/history.ts';

/** What a call that names no tool calls. */
const DEFAULT_TOOL = 'execute';
/** So many quick calls are remembered, and so many that failed or were slow: as many as the runtime does, and more. */
const MAX_CALLS = 6_000;
const MAX_NOTABLE = 2_500;

/** A call, as far as it is known. */
export interface CallItem {
  readonly call: string;
  readonly plugin: string;
  readonly tool: string;
  readonly client: string | undefined;
  /** When it began, in milliseconds since the epoch. */
  readonly from: number;
  /** `lost`: it may have ended, which was not told. */
  readonly state: 'running' | 'ok' | 'failed' | 'lost';
  readonly isSlow: boolean;
  /** Of one that is slow: how long half of the calls of its tool run at most. */
  readonly usualMs: number | undefined;
  /** How long it took, or has taken so far, in milliseconds. */
  readonly tookMs: number;
  /** The same for each of its parts, where that is known. */
  readonly parts: Readonly<Record<CallPart, number>>;
  /** Of one that has not ended: what it is at, where that is known. */
  readonly part: CallPart | undefined;
  readonly generation: number | undefined;
  readonly outcome: string | undefined;
  readonly errorType: string | undefined;
  /** What the error says; of one that runs, what it last said of its progress. */
  readonly message: string | undefined;
  readonly progress: number | undefined;
  readonly chunks: number | undefined;
  /** The records of its start and its end. */
  readonly startSeq: number | undefined;
  readonly endSeq: number | undefined;
  /** How many characters there are to be fetched of what it was given and gave; or all of that. Known of one that ended later, too. */
  readonly payloadSize: number | undefined;
  readonly payload: CallPayload | undefined;
}

/** What is remembered of a call: its records. */
interface Told {
  start?: CallRecord;
  slow?: CallRecord;
  end?: CallRecord;
}

/** The calls that the records of a session tell of. It takes records as they come, and looks at each once. */
export class CallLog {
  readonly #calls = new Map<string, Told>();
  readonly #notable = new Map<string, Told>();
  #seq = 0;

  /** Takes what is new in a history. */
  follow(history: History): void {
    const { records } = history;
    for (let at = placeAfter(records, this.#seq, seqOf); at < records.length; at += 1) {
      const record = records[at];
      if (record?.kind === 'call') this.add(record);
    }
    this.#seq = Math.max(this.#seq, records.at(-1)?.seq ?? 0);
  }

  /** Takes a record, which may be known. */
  add(record: CallRecord): void {
    const { call, edge } = record;
    const told = this.#calls.get(call) ?? this.#notable.get(call) ?? {};
    told[edge] = record;
    if (edge === 'slow' || record.slow === true || (record.outcome ?? 'ok') !== 'ok') {
      this.#calls.delete(call);
      this.#notable.set(call, told);
    } else if (!this.#notable.has(call)) this.#calls.set(call, told);
    forgetFirst(this.#calls, MAX_CALLS);
    forgetFirst(this.#notable, MAX_NOTABLE);
  }

  /** The calls that had begun at an instant, as they were then. */
  at({ seq, at }: { readonly seq: number; readonly at: number }): CallItem[] {
    const items: CallItem[] = [];
    for (const told of [...this.#calls.values(), ...this.#notable.values()]) {
      const { start, slow, end } = told;
      const first = start ?? slow ?? end;
      if (first === undefined) continue;
      const from = start?.at ?? first.at - (first.tookMs ?? 0);
      if (start === undefined ? from > at : start.seq > seq) continue;
      const ended = end !== undefined && end.seq <= seq ? end : undefined;
      items.push(itemOf(told, first, from, ended, slow !== undefined && slow.seq <= seq ? slow : undefined, at));
    }
    return items;
  }
}

function itemOf(
  told: Told,
  first: CallRecord,
  from: number,
  ended: CallRecord | undefined,
  slow: CallRecord | undefined,
  at: number,
): CallItem {
  const { start, end } = told;
  const { call, actor, tool = DEFAULT_TOOL } = first;
  return {
    ...{ call, plugin: actorText(actor), tool, client: first.client, from },
    state: ended === undefined ? 'running' : ended.outcome === 'ok' ? 'ok' : 'failed',
    isSlow: slow !== undefined || ended?.slow === true,
    usualMs: (ended ?? slow)?.usualMs,
    tookMs: ended?.tookMs ?? Math.max(0, at - from),
    ...(ended === undefined ? partsAt(told, Math.max(0, at - from)) : { part: undefined, parts: partsOf(ended) }),
    ...{ progress: undefined, chunks: undefined },
    ...{ generation: ended?.generation, outcome: ended?.outcome, errorType: ended?.errorType, message: ended?.message },
    ...{ startSeq: start?.seq, endSeq: end?.seq, payloadSize: end?.payloadSize, payload: end?.payload },
  };
}

const partsOf = ({ queueMs = 0, loadMs = 0, runMs = 0 }: Partial<CallRecord>): CallItem['parts'] => ({
  ...{ queue: queueMs, load: loadMs, run: runMs },
});

/** What a call that has not ended is at after so many milliseconds, by what is told of it later. */
function partsAt({ slow, end }: Told, ms: number): Pick<CallItem, 'part' | 'parts'> {
  const known = partsOf(end ?? slow ?? {});
  if (known.queue + known.load + known.run === 0) return { part: undefined, parts: known };
  const queue = Math.min(ms, known.queue);
  const load = Math.min(ms - queue, known.load);
  const part = ms < known.queue ? 'queue' : ms < known.queue + known.load ? 'load' : 'run';
  return { part, parts: { queue, load, run: ms - queue - load } };
}

/** The calls of the present: those that are told of, with what the runtime says of those that run. */
export function withRunning(
  told: readonly CallItem[],
  running: readonly RunningCall[],
  /** When it said so, and whether those are all. */
  { at, isAll }: { readonly at: number; readonly isAll: boolean },
): CallItem[] {
  const own = new Map(running.map((each) => [each.call, each]));
  const items = told.map((item): CallItem => {
    const now = own.get(item.call);
    if (item.state !== 'running') {
      own.delete(item.call);
      return item;
    }
    if (now === undefined) return isAll && item.from < at ? { ...item, state: 'lost' } : item;
    own.delete(item.call);
    return { ...item, ...runningOf(now) };
  });
  for (const each of own.values()) {
    const { call, plugin, tool = DEFAULT_TOOL } = each;
    const unknown = { outcome: undefined, errorType: undefined, endSeq: undefined };
    const kept = { usualMs: undefined, startSeq: undefined, payloadSize: undefined, payload: undefined };
    items.push({ call, plugin, tool, state: 'running', ...runningOf(each), ...unknown, ...kept });
  }
  return items.filter(({ state }) => state !== 'lost');
}

function runningOf(now: RunningCall) {
  const { client, since: from, part, queueMs, loadMs, runMs, generation, message, progress, chunks, slow } = now;
  return {
    ...{ client, from, part, generation, message, progress, chunks, isSlow: slow === true },
    tookMs: queueMs + loadMs + runMs,
    parts: { queue: queueMs, load: loadMs, run: runMs },
  };
}

/** A map keeps the order in which things came. */
function forgetFirst(calls: Map<string, unknown>, most: number): void {
  if (calls.size > most) calls.delete(calls.keys().next().value ?? '');
}
