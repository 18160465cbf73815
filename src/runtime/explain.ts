import { type Decision, decisionAt } from '../scheduler/decision.ts';
import { amountsText, decisionText } from '../scheduler/decision-text.ts';
import { amounts, type Need, UNLIMITED } from '../scheduler/need.ts';
import type { SchedulerView } from '../scheduler/scheduler-view.ts';
import type { Explanation, IdleStreams } from './explanation.ts';
import type { PluginRecord } from './plugin-record.ts';

/** A reader that has asked for nothing for less than this is not told of, in milliseconds: it may be at the last item. */
const LEAST_IDLE_MS = 1_000;

/** What is known of a plugin. */
export interface Known {
  readonly record: PluginRecord;
  readonly recordOf: (plugin: string) => PluginRecord | undefined;
  /** The time of day, in milliseconds since the epoch. */
  readonly now: number;
  /** The time of day of a reading of the monotonic clock, by which the rest of the times are. */
  readonly toWall: (at: number) => number;
  readonly policy: string;
  readonly need: Need;
  readonly view: SchedulerView | undefined;
  readonly decision: Decision | undefined;
  readonly eviction: Decision | undefined;
}

/** Puts together why a plugin is where it is. */
export function explain({ record, recordOf, now, toWall, policy, need, view, decision, eviction }: Known): Explanation {
  const { plugin, state, phase, enteredAt } = record;
  const request = view?.requestOf(plugin);
  const facts = {
    plugin,
    state,
    phase,
    since: toWall(enteredAt),
    policy,
    need,
    free: amounts(view?.freeFor(plugin) ?? UNLIMITED),
    holdings: (view?.reservationsOf(plugin) ?? []).map(
      ({ generation, standing, leaving, need: held, gpus, since: granted, lastUsedAt, rank, used }) => ({
        generation,
        standing,
        leaving,
        holds: amounts(held),
        gpus,
        uses: used,
        since: toWall(granted),
        lastUsedAt: toWall(lastUsedAt),
        rank,
      }),
    ),
    asking:
      request === undefined
        ? undefined
        : { since: toWall(request.at), deadline: toWall(request.deadline), priority: request.priority },
    decision: decision && Object.freeze(decisionAt(decision, toWall)),
    eviction: eviction && Object.freeze(decisionAt(eviction, toWall)),
    idleStreams: [record, ...inTheWay(plugin, decision).map(recordOf)].flatMap((each) =>
      idleStreamsOf(each, now, toWall),
    ),
  };
  const givenUp = phase === 'failed' ? record.context.lastError?.message : undefined;
  return Object.freeze({ ...facts, lines: Object.freeze(linesOf(facts, now, givenUp)) });
}

/** The plugins that it waits for, or that are why it was refused. */
function inTheWay(plugin: string, decision: Decision | undefined): string[] {
  if (decision?.outcome !== 'wait' && decision?.outcome !== 'refuse') return [];
  const names = decision.waitingFor.map((holder) => holder.plugin);
  return [...new Set(names)].filter((name) => name !== plugin);
}

function idleStreamsOf(record: PluginRecord | undefined, now: number, toWall: Known['toWall']): IdleStreams[] {
  return (record?.context.workers ?? []).flatMap(({ generation, residency }) => {
    const calls = [...(residency?.leases ?? [])];
    const idle = calls.flatMap(({ idleSince }) => (idleSince === undefined ? [] : [toWall(idleSince)]));
    const long = idle.filter((since) => now - since >= LEAST_IDLE_MS);
    if (record === undefined || long.length === 0) return [];
    const { plugin } = record;
    return [Object.freeze({ plugin, generation, calls: calls.length, streams: long.length, since: Math.min(...long) })];
  });
}

/** "words: 1 call, a stream unread for 42 s". */
function idleText({ plugin, calls, streams, since }: IdleStreams, now: number): string {
  const all =
    calls === 1 ? '1 call, a stream' : `${calls} calls, ${streams} of them ${streams === 1 ? 'a stream' : 'streams'}`;
  const long = `${streams === 1 ? '' : 'up to '}${Math.floor((now - since) / 1_000)} s`;
  return `${plugin}: ${all} unread for ${long}`;
}

function spreadText({ spread = 1 }: Need): string {
  return spread > 1 ? `, over up to ${spread} GPUs` : '';
}

function linesOf(facts: Omit<Explanation, 'lines'>, now: number, givenUp: string | undefined): string[] {
  const { plugin, state, phase, since, need, free, holdings, decision, eviction, idleStreams } = facts;
  const seconds = ((now - since) / 1_000).toFixed(1);
  const lines = [
    `"${plugin}" has been ${phase === state ? state : `${state} (${phase})`} for ${seconds} s.`,
    ...(givenUp === undefined ? [] : [`given up ${givenUp}`]),
    `needs    ${amountsText(need)}${spreadText(need)}${need.pinned === true ? ', pinned' : ''}`,
  ];
  for (const { generation, standing, leaving, holds, uses } of holdings) {
    const going = leaving ? ', being evicted' : '';
    lines.push(`holds    ${amountsText(holds)}, for worker ${generation}, ${standing}${going}`);
    if (uses !== undefined) lines.push(`uses     ${amountsText(uses)}, measured`);
  }
  lines.push(`free now ${amountsText(free)}`);
  if (decision !== undefined) lines.push('', ...decisionText(decision, now));
  for (const idle of idleStreams) lines.push(`unread   ${idleText(idle, now)}`);
  if (eviction !== undefined) lines.push('', 'Last eviction:', ...decisionText(eviction, now));
  return lines;
}
