import { instanceCount, missingInstances } from '../machines/plugin/siblings.ts';
import type { PluginContext } from '../machines/plugin.ts';
import { type Decision, decisionAt } from '../scheduler/decision.ts';
import { amountsText, decisionText, freeText } from '../scheduler/decision-text.ts';
import { amounts, type Need, UNLIMITED } from '../scheduler/need.ts';
import type { SchedulerView } from '../scheduler/scheduler-view.ts';
import { durationText } from '../text/duration-text.ts';
import type { Explanation, Growth, IdleStreams, RunningCall } from './explanation.ts';
import type { PluginRecord } from './plugin-record.ts';

/** A reader that has asked for nothing for less than this is not told of, in milliseconds: it may be at the last item. */
const LEAST_IDLE_MS = 1_000;

/** How many of the calls that run are told of, and how many of them in words. */
const MAX_CALLS = 100;
const SHOWN_CALLS = 5;

/** What is known of a plugin. */
export interface Known {
  readonly record: PluginRecord;
  readonly codeFault: string | undefined;
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
export function explain({
  record,
  codeFault,
  recordOf,
  now,
  toWall,
  policy,
  need,
  view,
  decision,
  eviction,
}: Known): Explanation {
  const { plugin, state, phase, enteredAt } = record;
  const { lastError } = record.context;
  const request = view?.requestOf(plugin);
  const facts = {
    plugin,
    state,
    phase,
    since: toWall(enteredAt),
    lastError: lastError && Object.freeze({ code: lastError.code, message: lastError.message }),
    lastErrorAt: record.failedAt === undefined ? undefined : toWall(record.failedAt),
    codeFault,
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
    growth: growthOf(record),
    asking:
      request === undefined
        ? undefined
        : { since: toWall(request.at), deadline: toWall(request.deadline), priority: request.priority },
    decision: decision && Object.freeze(decisionAt(decision, toWall)),
    eviction: eviction && Object.freeze(decisionAt(eviction, toWall)),
    calls: callsOf(record),
    idleStreams: [record, ...inTheWay(plugin, decision).map(recordOf)].flatMap((each) =>
      idleStreamsOf(each, now, toWall),
    ),
  };
  return Object.freeze({ ...facts, lines: Object.freeze(linesOf(facts, now, record.context)) });
}

function growthOf({ context, atRest }: PluginRecord): Growth | undefined {
  const { settings, current, growth } = context;
  const { min, max } = settings.instances;
  if (max === 1) return undefined;
  const instances = current === undefined ? 0 : instanceCount(context);
  // What keeps it from growing is left out.
  const wanted = !atRest && missingInstances({ ...context, growth: 'free' }) > 0;
  return Object.freeze({ instances, min, max, wanted, state: growth });
}

function callsOf({ context }: PluginRecord): readonly RunningCall[] {
  const calls = context.workers.flatMap(({ generation, residency }) =>
    [...(residency?.leases ?? [])].flatMap(({ asked }) =>
      asked === undefined ? [] : [{ generation, tool: asked.tool, client: asked.client }],
    ),
  );
  return Object.freeze(calls.slice(0, MAX_CALLS));
}

/** "search for claude 1.2, read". */
function callsText(calls: readonly RunningCall[]): string {
  const texts = calls
    .slice(0, SHOWN_CALLS)
    .map(({ tool, client }) => (client === undefined ? tool : `${tool} for ${client}`));
  return [...texts, ...(calls.length > SHOWN_CALLS ? [`${calls.length - SHOWN_CALLS} more`] : [])].join(', ');
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

/** How many instances there are, and why no further one is started that is wanted. */
function growthLines(growth: Growth | undefined, { losses, lastError, growthError }: PluginContext): string[] {
  if (growth === undefined) return [];
  const { instances, min, max, wanted, state } = growth;
  const bounds = min === max ? String(max) : `${min} to ${max}`;
  const lines = [`runs     ${instances} of ${bounds} instances`];
  if (!wanted) return lines;
  const because = (error: Error | undefined): string => (error === undefined ? '' : ` Last error: ${error.message}`);
  switch (state) {
    case 'free':
      return [...lines, 'more     another instance is asked for; the decision below is about it'];
    case 'waiting':
      return losses > 0
        ? [...lines, `more     another instance is started soon; the last one was lost.${because(lastError)}`]
        : [...lines, 'more     another instance is asked for again after a while; the last request was refused'];
    case 'stopped':
      return [
        ...lines,
        `more     no further instance is started until the plugin is changed or loaded.${because(growthError)}`,
      ];
  }
}

/** What it was given up for since the first line says when; else how long ago it failed, as much may have been well since. */
function failureLine(message: string, isGivenUp: boolean, age: number): string {
  return isGivenUp ? `given up ${message}` : `failed   ${durationText(age)} ago: ${message}`;
}

function linesOf(facts: Omit<Explanation, 'lines'>, now: number, context: PluginContext): string[] {
  const { plugin, state, phase, since, lastError, lastErrorAt = now } = facts;
  const { need, free, holdings, decision, eviction, idleStreams, growth } = facts;
  const worker = holdings.length > 1 && growth !== undefined ? 'instance' : 'worker';
  const seconds = ((now - since) / 1_000).toFixed(1);
  const lines = [
    `"${plugin}" has been ${phase === state ? state : `${state} (${phase})`} for ${seconds} s.`,
    ...(lastError === undefined ? [] : [failureLine(lastError.message, phase === 'failed', now - lastErrorAt)]),
    ...(facts.codeFault === undefined ? [] : [`code     ${facts.codeFault}`]),
    `needs    ${amountsText(need)}${spreadText(need)}${need.pinned === true ? ', pinned' : ''}`,
    ...growthLines(growth, context),
  ];
  for (const { generation, standing, leaving, holds, uses } of holdings) {
    const going = leaving ? ', being evicted' : '';
    lines.push(`holds    ${amountsText(holds)}, for ${worker} ${generation}, ${standing}${going}`);
    if (uses !== undefined) lines.push(`uses     ${amountsText(uses)}, measured`);
  }
  if (facts.calls.length > 0) lines.push(`calls    ${callsText(facts.calls)}`);
  lines.push(`free now ${freeText(free)}`);
  if (decision !== undefined) lines.push('', ...decisionText(decision, now));
  for (const idle of idleStreams) lines.push(`unread   ${idleText(idle, now)}`);
  if (eviction !== undefined) lines.push('', 'Last eviction:', ...decisionText(eviction, now));
  return lines;
}
