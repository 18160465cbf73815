import type { CrashRecord, Json, JsonObject } from '../../wire.ts';
import { memoryText, restartsText, wordOf } from '../store/format.ts';
import { type ActorState, numberIn } from '../store/model.ts';

/** The process of a plugin: the one it has, and how the last one ended. */
export function ProcessView({ actor: { context, lastCrash, facts } }: { readonly actor: ActorState }) {
  const memoryMb = numberIn(context, 'memoryMb');
  const lastExit = context['lastExit'] as CrashRecord['exit'] | undefined;
  const lastError = context['lastError'] as JsonObject | undefined;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['Process', textOf(context['pid'], 'none')],
    ['Worker', `number ${textOf(context['generation'], '?')}, ${restartsText(numberIn(context, 'restarts') ?? 0)}`],
    ['Memory', memoryMb === undefined ? 'not measured' : memoryText(memoryMb)],
    ['Allowed', facts?.budgetMb === undefined ? 'not stated in its manifest' : memoryText(facts.budgetMb)],
    ['Calls', `${textOf(context['inFlight'], '0')} running, ${textOf(context['waiting'], '0')} waiting`],
    ['Last exit', lastExit === undefined ? 'none' : exitText(lastExit)],
    ['Last error', lastError && `${wordOf(lastError['code'])}: ${wordOf(lastError['message'])}`],
    ['Version', facts?.version],
    ['Category', facts?.category],
    ['Manifest', facts?.manifestPath],
  ];
  return (
    <>
      <dl class="facts">
        {rows.map(
          ([term, text]) =>
            text !== undefined &&
            text !== '' && (
              <div key={term}>
                <dt>{term}</dt>
                <dd>{text}</dd>
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
