import type { CallItem } from '../calls/call-log.ts';
import { durationText, isolated } from '../store/format.ts';
import { CLOCKS_MS, requestSteps } from './request-steps.ts';
import { CALLER, type RecordSource, type Sequence, type SequenceStep, sequenceOf, workerLine } from './sequence.ts';

/** The errors of calls that their worker is told to stop. */
const STOPPED = new Set(['E_CANCELLED', 'E_TIMEOUT']);
/** What a worker does by which a call fails. */
const FAULTS: Readonly<Record<string, string>> = {
  E_REMOTE: 'raises an error',
  E_CRASHED: 'crashes',
  E_HUNG: 'stops answering',
};

/**
 * Who did what for one call: its caller, its plugin, the scheduler, the plugins that were evicted, and the worker. What
 * the records do not tell is the order within a millisecond.
 *
 * @param moment the instant that is looked at
 */
export function sequenceOfCall(
  source: RecordSource,
  item: CallItem,
  moment: { readonly seq: number; readonly at: number },
): Sequence {
  const { tool, client, from, state, tookMs, parts, generation, startSeq } = item;
  const { plugin, line, worker } = linesOf(item);
  const end = from + tookMs;
  const waited = parts.queue + parts.load;
  const hasRun = state === 'running' ? item.part === 'run' : parts.run > 0;
  const begun = state === 'running' ? from + waited : end - parts.run;
  const to = hasRun ? begun : end;
  const window = {
    ...{ after: startSeq ?? 0, until: moment.seq, generation },
    ...{ from: startSeq === undefined ? from : from - CLOCKS_MS, to: to + CLOCKS_MS },
  };
  const steps: SequenceStep[] = [
    { at: from, order: 0, from: CALLER, to: line, text: `calls ${isolated(tool)}`, tone: 'plain' },
    ...requestSteps(source, plugin, window).map((step) => ({ ...step, at: Math.min(Math.max(step.at, from), to) })),
  ];
  const isQueued = !steps.some(({ tone, from: who }) => tone === 'wait' && who === 'scheduler');
  if (parts.queue >= QUEUED_MS && isQueued) {
    const text = `has it wait for ${durationText(parts.queue)} in its queue`;
    steps.push({ at: from, order: 0, from: line, to: line, text, tone: 'wait' });
  }
  if (hasRun) {
    const text = `has ${generation === undefined ? 'its worker' : `worker ${generation}`} run it`;
    steps.push({ at: begun, order: LAST, from: line, to: worker, text, tone: 'plain' });
  }
  const slow = source
    .recordsOf(line)
    .find((each) => each.kind === 'call' && each.call === item.call && each.edge === 'slow' && each.seq <= moment.seq);
  const at = hasRun ? worker : line;
  if (slow !== undefined)
    steps.push({ at: slow.at, order: slow.seq, from: at, to: at, text: 'is slow from here', tone: 'wait' });
  steps.push(...(state === 'running' ? nowSteps(item, hasRun, at, end) : endSteps(item, hasRun, end)));
  return sequenceOf(steps, client === undefined ? 'Program' : isolated(client), from < source.firstAt);
}

/** Behind all that the records tell of the same millisecond. */
const LAST = Number.MAX_SAFE_INTEGER;

/** A wait is worth a step from here on, in milliseconds. */
const QUEUED_MS = 5;

/** What a call that runs is at. */
function nowSteps(
  { part, progress, message, chunks, tookMs }: CallItem,
  hasRun: boolean,
  at: string,
  now: number,
): readonly SequenceStep[] {
  const said = [
    progress !== undefined && `${Math.round(progress * 100)} %`,
    message !== undefined && isolated(message),
    chunks !== undefined && `${chunks.toLocaleString()} chunks`,
  ].filter((text) => typeof text === 'string');
  // At an earlier instant, nothing tells whether it ran already.
  const does = hasRun ? 'still runs' : part === undefined ? 'has not ended' : 'still waits';
  const text = [`${does} after ${durationText(tookMs)}`, ...said].join(' · ');
  return [{ at: now, order: LAST, from: at, to: at, text, tone: 'wait' }];
}

function endSteps(item: CallItem, hasRun: boolean, end: number): readonly SequenceStep[] {
  const { line, worker } = linesOf(item);
  const { outcome = 'an error', message } = item;
  if (item.state === 'ok') {
    const back: SequenceStep = { at: end, order: LAST, from: line, to: CALLER, text: 'gives the result', tone: 'good' };
    return hasRun
      ? [{ at: end, order: LAST, from: worker, to: line, text: 'gives the result', tone: 'good' }, back]
      : [back];
  }
  const told = message === undefined ? outcome : `${outcome}: ${isolated(message)}`;
  const back: SequenceStep = { at: end, order: LAST, from: line, to: CALLER, text: `fails with ${told}`, tone: 'bad' };
  if (!hasRun) return [back];
  const [from, to, text] = STOPPED.has(outcome)
    ? [line, worker, 'has it stop the call']
    : [worker, line, FAULTS[outcome] ?? outcome];
  return [{ at: end, order: LAST, from, to, text, tone: 'bad' }, back];
}

function linesOf({ plugin }: CallItem): { readonly plugin: string; readonly line: string; readonly worker: string } {
  // A name that turns text around stands isolated in an item.
  const name = plugin.replaceAll(/[\u2068\u2069]/g, '');
  return { plugin: name, line: `plugin:${name}`, worker: workerLine(name) };
}
