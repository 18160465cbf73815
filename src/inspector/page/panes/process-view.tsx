import type { ComponentChildren } from 'preact';
import { reasonText } from '../../../scheduler/decision-text.ts';
import type { CrashRecord, Json, JsonObject } from '../../wire.ts';
import { lastEvictionOf } from '../store/decision.ts';
import { actorText, durationText, memoryOfText, memoryText, restartsText, timeText, wordOf } from '../store/format.ts';
import { type ActorState, numberIn } from '../store/model.ts';
import { usePage } from '../store/page.ts';
import { resourcesText } from '../store/resources-text.ts';
import { Instances, instancesOf } from './instances.tsx';
import { LastOutput } from './last-output.tsx';
import { RunningNow } from './running-now.tsx';

/** The process of a plugin: what it does, what it takes, and how the last one ended. */
export function ProcessView({ actor }: { readonly actor: ActorState }) {
  const { name, context, lastCrash, lastDecision, facts } = actor;
  const instances = instancesOf(usePage().moment.value, name, context);
  const memoryMb = numberIn(context, 'memoryMb');
  const lastExit = context['lastExit'] as CrashRecord['exit'] | undefined;
  const lastError = context['lastError'] as JsonObject | undefined;
  const generation = textOf(context['generation'], '?');
  const started = instances.length > 0 ? `${generation} started so far` : `number ${generation}`;
  const allowed = (budgetMb: number): string =>
    memoryText(budgetMb) + (instances.length > 0 ? ' for each instance' : '');
  const asked = lastDecision?.asked;
  const memory = (rss: number): string => memoryOfText(rss, facts?.budgetMb ?? (asked?.ramMb || undefined));
  const rows: readonly (readonly [string, ComponentChildren])[] = [
    ['Running now', <RunningNow actor={actor} />],
    ['Process', textOf(context['pid'], 'none')],
    [instances.length > 0 ? 'Workers' : 'Worker', `${started}, ${restartsText(numberIn(context, 'restarts') ?? 0)}`],
    ['Memory', memoryMb === undefined ? 'not measured' : memory(memoryMb)],
    ['Needs', asked && resourcesText(asked)],
    ['Allowed', facts?.budgetMb === undefined ? 'not stated in its manifest' : allowed(facts.budgetMb)],
    ['Calls', `${textOf(context['inFlight'], '0')} running, ${textOf(context['waiting'], '0')} waiting`],
    ['Last eviction', <LastEviction actor={actor} />],
    ['Last exit', lastExit === undefined ? 'none' : exitText(lastExit)],
    ['Last error', lastError && `${wordOf(lastError['code'])}: ${wordOf(lastError['message'])}`],
    ['Version', facts?.version],
    ['Category', facts?.category],
    ['Manifest', facts?.manifestPath],
  ];
  return (
    <>
      {instances.length > 0 && <Instances instances={instances} />}
      <dl class="facts">
        {rows.map(
          ([term, text]) =>
            text !== undefined &&
            text !== '' && (
              <div key={term}>
                <dt>{term}</dt>
                <dd>
                  <bdi>{text}</bdi>
                </dd>
              </div>
            ),
        )}
      </dl>
      {lastCrash !== undefined && lastCrash.output !== '' && <LastOutput text={lastCrash.output} />}
    </>
  );
}

/** For whom it was last evicted, why and when, also once it is loaded again. */
function LastEviction({ actor: { id } }: { readonly actor: ActorState }) {
  const page = usePage();
  const history = page.history.value;
  const eviction = history && lastEvictionOf(history, id, page.moment.value.seq);
  if (eviction === undefined) return <>none</>;
  const { seq, at, actor, reason } = eviction;
  return (
    <>
      <button type="button" class="small mono" onClick={() => page.lookAt(seq)}>
        {timeText(at)}
      </button>{' '}
      {durationText(page.moment.value.at - at)} ago, for {actorText(actor)}: {reasonText(reason)}
    </>
  );
}

/** How a process ended, in words. */
export function exitText(exit: CrashRecord['exit']): string {
  if (exit === undefined) return 'has not ended';
  const how = exit.signal === null ? `exit code ${exit.code ?? '?'}` : `signal ${exit.signal}`;
  return exit.outOfMemory ? `${how}, out of memory` : how;
}

const textOf = (value: Json | undefined, none: string): string =>
  value === undefined || value === null ? none : wordOf(value);
