import type { ActorId, DecisionRecord, TransitionRecord } from '../../wire.ts';
import { wordOf } from './format.ts';
import type { History } from './history.ts';
import type { ActorState } from './model.ts';

/** A decision and what came of it. */
export interface DecisionStep {
  readonly decision: DecisionRecord;
  /** The actor that it is told to is one of those that had to go. */
  readonly isVictim: boolean;
  /** The first transitions of those that had to go, as far as they are not after the instant. */
  readonly gone: readonly TransitionRecord[];
}

/** So many decisions are listed at most, the latest. */
const LISTED = 20;

/** The last decision up to an instant by which a plugin was evicted, and has left; undefined where none is remembered. */
export function lastEvictionOf(history: History, id: ActorId, until: number): DecisionRecord | undefined {
  const gone = history.transitionsOf(id).findLast(({ seq, to }) => seq <= until && /^(released|discovered)/.test(to));
  return history
    .recordsOf(id)
    .findLast(
      (record): record is DecisionRecord =>
        record.kind === 'decision' && record.actor !== id && record.seq <= until && record.seq < (gone?.seq ?? 0),
    );
}

/**
 * The decisions that granted a plugin's worker its memory, or did not, and those that evicted it; for the scheduler and
 * the supervisor those of all plugins. The latest first.
 */
export function decisionsOf(history: History, actor: ActorState, until: number): readonly DecisionStep[] {
  const { id, machine, lastDecision } = actor;
  const decisions: DecisionRecord[] = [];
  if (machine === 'plugin') {
    for (const record of history.recordsOf(id)) {
      if (record.kind !== 'decision' || record.seq > until) continue;
      if (record.actor !== id || record.generation === lastDecision?.generation) decisions.push(record);
    }
    decisions.splice(0, decisions.length - LISTED);
    decisions.reverse();
  } else {
    for (let place = history.countUntil(until) - 1; place >= 0 && decisions.length < LISTED; place -= 1) {
      const record = history.records[place];
      if (record?.kind === 'decision') decisions.push(record);
    }
  }
  return decisions.map((decision) => ({
    decision,
    isVictim: machine === 'plugin' && decision.actor !== id,
    gone: decision.chosen.flatMap(({ plugin }) => {
      const first = history
        .transitionsOf(`plugin:${wordOf(plugin)}`)
        .find(({ seq, to }) => seq > decision.seq && seq <= until && /^(released|discovered|crashed)/.test(to));
      return first ?? [];
    }),
  }));
}
