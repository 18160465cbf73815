import type { DecisionRecord, Json, JsonObject, Resources, TransitionRecord } from '../../wire.ts';
import { wordOf } from './format.ts';
import type { History } from './history.ts';
import type { ActorState } from './model.ts';

/** A decision and what came of it. */
export interface DecisionStep {
  readonly decision: DecisionRecord;
  /** The first transitions of those that had to go, as far as they are not after the instant. */
  readonly gone: readonly TransitionRecord[];
}

/** So many decisions are listed where they are not of one worker. */
const LISTED = 20;

/** The decisions that gave a plugin's worker its room, or did not; of scheduler and supervisor the latest of all. */
export function decisionsOf(history: History, actor: ActorState, until: number): readonly DecisionStep[] {
  const { id, machine, lastDecision } = actor;
  let decisions: DecisionRecord[];
  if (machine === 'plugin') {
    decisions = history
      .recordsOf(id)
      .filter((record): record is DecisionRecord => record.kind === 'decision' && record.actor === id)
      .filter(({ seq, generation }) => seq <= until && generation === lastDecision?.generation);
  } else {
    decisions = [];
    for (let place = history.countUntil(until) - 1; place >= 0 && decisions.length < LISTED; place -= 1) {
      const record = history.records[place];
      if (record?.kind === 'decision') decisions.push(record);
    }
  }
  return decisions.map((decision) => ({
    decision,
    gone: decision.chosen.flatMap(({ plugin }) => {
      const first = history
        .transitionsOf(`plugin:${wordOf(plugin)}`)
        .find(({ seq, to }) => seq > decision.seq && seq <= until && /^(released|discovered|crashed)/.test(to));
      return first ?? [];
    }),
  }));
}

/** Amounts in words. */
export function resourcesText(resources: Resources): string {
  const texts = Object.entries(resources).map(([key, value]) => amountText(key, value));
  return texts.filter((text) => text !== '').join(', ') || 'nothing';
}

function amountText(key: string, value: Json): string {
  const name = key.replace(/Mb$/, '');
  if (value === null) return `${name} without limit`;
  if (typeof value === 'object') {
    return Object.entries(value as JsonObject)
      .map(([inner, amount]) => `${name} ${inner}: ${wordOf(amount)}${key.endsWith('Mb') ? ' MiB' : ''}`)
      .join(', ');
  }
  return `${wordOf(value)}${key.endsWith('Mb') ? ` MiB ${name === 'vram' ? 'VRAM' : name === 'ram' ? 'RAM' : name}` : ` ${name}`}`;
}
