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
  // Its own transition is told of by the wall clock, the request by a monotonic one.
  const from = since - CLOCKS_MS;
  const over = source
    .recordsOf(actor)
    .find((record) => record.seq > decision.seq && isOver(record, generation, decision.further === true));
  const window = { after: 0, from, to: over?.at ?? moment.at, until: moment.seq, generation };
  const steps = [...causeStep(source, plugin, window), ...requestSteps(source, plugin, window)];
  return sequenceOf(steps, 'Program', since < source.firstAt);
}

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
