import type { DecisionRecord } from '../../wire.ts';
import { pluginOf } from '../store/model.ts';
import { CLOCKS_MS, causeStep, requestSteps } from './request-steps.ts';
import { type RecordSource, type Sequence, sequenceOf } from './sequence.ts';

/**
 * Who did what for the request that a decision is about: the plugin that asked, the scheduler, the plugins that were
 * evicted, and how its worker loaded.
 *
 * @param moment the instant that is looked at
 */
export function sequenceOfDecision(
  source: RecordSource,
  decision: DecisionRecord,
  moment: { readonly seq: number; readonly at: number },
): Sequence {
  const { actor, generation, since } = decision;
  const plugin = pluginOf(actor).slice('plugin:'.length);
  const from = Math.min(since - CLOCKS_MS, askedAt(source, decision) ?? since);
  const over = source
    .recordsOf(actor)
    .find((record) => record.seq > decision.seq && isOver(record, generation, decision.further === true));
  const window = { after: 0, from, to: over?.at ?? moment.at, until: moment.seq, generation };
  const steps = [...causeStep(source, plugin, window), ...requestSteps(source, plugin, window)];
  return sequenceOf(steps, 'Program', since < source.firstAt);
}

/**
 * When the plugin came to ask. By its own clock, which is not the scheduler's, and before the request reached that: a program
 * may be held up in between. Undefined where it asks while it is in another state, as for a further instance.
 */
function askedAt(source: RecordSource, { actor, seq }: DecisionRecord): number | undefined {
  const last = source
    .recordsOf(actor)
    .findLast((record) => record.kind === 'transition' && record.seq < seq && !LOADS.has(record.to));
  return last?.kind === 'transition' && last.to === 'spawning.admitting' ? last.at : undefined;
}

/** What a plugin may go through, once it has its capacity, before the decision is told of. */
const LOADS: ReadonlySet<string> = new Set(['spawning.installing', 'spawning.launching', 'spawning.initializing']);

/** The request is over when its worker is ready or lost, or when the plugin asks for another. */
function isOver(
  record: ReturnType<RecordSource['recordsOf']>[number],
  generation: number,
  isFurther: boolean,
): boolean {
  if (record.kind === 'instance') return record.generation === generation && !record.to.startsWith('spawning');
  if (isFurther || record.kind !== 'transition') return false;
  return !record.to.startsWith('spawning');
}
