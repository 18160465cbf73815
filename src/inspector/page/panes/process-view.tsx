import type { CrashRecord, Json, JsonObject } from '../../wire.ts';
import { memoryText, restartsText, wordOf } from '../store/format.ts';
import { type ActorState, numberIn } from '../store/model.ts';
import { usePage } from '../store/page.ts';
import { Instances, instancesOf } from './instances.tsx';

/** The process of a plugin: the one it has, and how the last one ended. */
export function ProcessView({ actor: { name, context, lastCrash, facts } }: { readonly actor: ActorState }) {
  const instances = instancesOf(usePage().moment.value, name, context);
  const memoryMb = numberIn(context, 'memoryMb');
  const lastExit = context['lastExit'] as CrashRecord['exit'] | undefined;
  const lastError = context['lastError'] as JsonObject | undefined;
  const generation = textOf(context['generation'], '?');
  const started = instances.length > 0 ? `${generation} started so far` : `number ${generation}`;
  const allowed = (budgetMb: number): string =>
    memoryText(budgetMb) + (instances.length > 0 ? ' for each instance' : '');
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['Process', textOf(context['pid'], 'none')],
    [instances.length > 0 ? 'Workers' : 'Worker', `${started}, ${restartsText(numberIn(context, 'restarts') ?? 0)}`],
    ['Memory', memoryMb === undefined ? 'not measured' : memoryText(memoryMb)],
    ['Allowed', facts?.budgetMb === undefined ? 'not stated in its manifest' : allowed(facts.budgetMb)],
    ['Calls', `${textOf(context['inFlight'], '0')} running, ${textOf(context['waiting'], '0')} waiting`],
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
      {lastCrash !== undefined && lastCrash.output !== '' && (
        <>
          <h3>Last lines of its output</h3>
          <pre class="code">{lastCrash.output}</pre>
        </>
      )}
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
