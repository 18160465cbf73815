import type { CallRecord, ContextChange, InspectorRecord, TransitionRecord } from './wire.ts';

type WithoutSeq<R> = R extends unknown ? Omit<R, 'seq'> : never;

/** Whether a plugin, or an instance of it, goes to its first call, or comes from its last. */
export const isCallEdge = ({ from, to }: Pick<TransitionRecord, 'from' | 'to'>): boolean =>
  (from === 'ready' && to === 'busy.serving') || (/^busy(\.serving)?$/.test(from) && to === 'ready');

/** Whether a call is one that is looked for: it failed or was slow. */
export const isNotable = ({ edge, outcome, slow }: Pick<CallRecord, 'edge' | 'outcome' | 'slow'>): boolean =>
  edge === 'slow' || slow === true || (outcome !== undefined && outcome !== 'ok');

/** Whether a record is of calls that nobody looks for. They come often, and are forgotten before all others. */
export function isOfCalls(record: WithoutSeq<InspectorRecord>): boolean {
  switch (record.kind) {
    case 'call':
      return !isNotable(record);
    case 'transition':
    case 'instance':
      return isCallEdge(record);
    case 'context':
      return isOfCounts(record.context);
    default:
      return false;
  }
}

/**
 * What a record of quick calls tells of: the state of an actor, or of one of its workers, or its counts. The last of each
 * holds until the next. Undefined of a call itself.
 */
export function subjectOf(record: WithoutSeq<InspectorRecord>): string | undefined {
  if (record.kind === 'call') return undefined;
  return `${record.kind} ${record.actor} ${record.kind === 'instance' ? record.generation : ''}`;
}

/** Whether nothing but the number of calls has changed. */
function isOfCounts(context: ContextChange): boolean {
  for (const key in context) if (key !== 'inFlight' && key !== 'waiting') return false;
  return true;
}
