import { reasonText } from '../../../scheduler/decision-text.ts';
import type { ActorId, DecisionRecord, InstanceRecord, MilestoneRecord, TransitionRecord } from '../../wire.ts';
import { actorText, isolated } from '../store/format.ts';
import { staysIn } from '../store/model.ts';
import { resourcesText } from '../store/resources-text.ts';
import { CALLER, type RecordSource, type SequenceStep, type StepTone, workerLine } from './sequence.ts';

/** The part of a session in which a plugin gets a worker. */
export interface RequestWindow {
  /** The record after which it begins. */
  readonly after: number;
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
  /** The instant that is looked at: later records are not read. */
  readonly until: number;
  /** The worker that it is about; decisions about further instances that are others are left out. */
  readonly generation: number | undefined;
}

/** How far apart the wall clock and the monotonic one, by which times are told, may be, in milliseconds. */
export const CLOCKS_MS = 20;

const SCHEDULER = 'scheduler';

/** What a plugin's worker goes through until it takes calls, by the state that its plugin or instance enters. */
const LOADING: Readonly<Record<string, readonly [direction: 'to' | 'back', text: string, tone: StepTone]>> = {
  'spawning.installing': ['to', 'installs its package', 'wait'],
  'spawning.launching': ['to', 'starts its process', 'plain'],
  'spawning.initializing': ['back', 'is connected, and is initialised', 'plain'],
  'spawning.resuming': ['to', 'has it take its resources again', 'plain'],
};

/** How a plugin asks for capacity, waits for it and gets it, the plugins that are evicted for it, and how its worker loads. */
export function requestSteps(source: RecordSource, plugin: string, window: RequestWindow): SequenceStep[] {
  const id = `plugin:${plugin}`;
  const own = within(source.recordsOf(id), window);
  const decisions = own.filter((record): record is DecisionRecord => record.kind === 'decision' && record.actor === id);
  const about = decisions.filter(({ generation, further }) => further !== true || generation === window.generation);
  const worker = window.generation ?? about.at(-1)?.generation;
  return [
    ...askSteps(own, about, id),
    ...about.flatMap((decision, index) =>
      decisionSteps(decision, placeOf(source, decision, about[index - 1]), about[index - 1]),
    ),
    ...evictionSteps(source, about, window),
    ...loadSteps(movesOf(own, id, worker), plugin, worker),
  ];
}

/** The records of a window. What is told of slightly late is in it by its own time. */
function within(
  records: readonly MilestoneRecord[],
  { after, from, to, until }: RequestWindow,
): readonly MilestoneRecord[] {
  return records.filter(({ at, seq }) => seq > after && seq <= until && at >= from && at <= to);
}

function askSteps(
  own: readonly MilestoneRecord[],
  decisions: readonly DecisionRecord[],
  id: ActorId,
): readonly SequenceStep[] {
  const steps: SequenceStep[] = [];
  for (const record of own) {
    if (record.kind !== 'transition' || record.to !== 'spawning.admitting') continue;
    const answer = decisions.find(({ at, further }) => at >= record.at && further !== true);
    const amounts = answer === undefined ? 'capacity' : resourcesText(answer.asked);
    const { at, seq: order } = record;
    steps.push({ at, order, from: id, to: SCHEDULER, text: `asks for ${amounts}`, tone: 'plain' });
  }
  const further = decisions.find((each) => each.further === true);
  if (further !== undefined) {
    const text = `asks for ${resourcesText(further.asked)} for a further instance`;
    steps.push({ at: further.since, order: further.seq - 1, from: id, to: SCHEDULER, text, tone: 'plain' });
  }
  return steps;
}

/** What the scheduler says to the plugin that asked. A wait for the same reason is told of once. */
function decisionSteps(
  decision: DecisionRecord,
  { at, order }: Place,
  before: DecisionRecord | undefined,
): readonly SequenceStep[] {
  const { actor, outcome, reason, further, generation, chosen } = decision;
  const why = isolated(reasonText(reason, further));
  switch (outcome) {
    case 'grant':
      return [
        { at, order, from: SCHEDULER, to: actor, text: `grants it to worker ${generation}: ${why}`, tone: 'good' },
      ];
    case 'refuse':
      return [{ at, order, from: SCHEDULER, to: actor, text: `refuses: ${why}`, tone: 'bad' }];
    case 'wait':
      return before?.outcome === 'wait' && before.reason === reason && before.generation === generation
        ? []
        : [{ at, order, from: SCHEDULER, to: actor, text: `has it wait: ${why}`, tone: 'wait' }];
    default:
      return [
        { at, order, from: SCHEDULER, to: SCHEDULER, text: `evicts for ${actorText(actor)}: ${why}`, tone: 'wait' },
        ...chosen.map(({ plugin, ask }): SequenceStep => {
          const text = ask === 'YIELD' ? 'asks it to leave after its calls' : 'asks it to leave';
          return { at, order, from: SCHEDULER, to: `plugin:${plugin}`, text, tone: 'wait' };
        }),
      ];
  }
}

/** When something was, and its `SequenceStep.order`. */
type Place = Pick<SequenceStep, 'at' | 'order'>;

/** When a decision was made. It is told of after it is carried out, so what it led to may be told of before it. */
function placeOf(
  source: RecordSource,
  { seq, at, since, chosen }: DecisionRecord,
  before: DecisionRecord | undefined,
): Place {
  const moves = chosen.flatMap(({ plugin, generation }) => {
    const id = `plugin:${plugin}`;
    return movesOf(source.recordsOf(id), id, generation).filter(
      (move) =>
        isLeaving(move.to) &&
        move.at >= Math.max(since, at - LATE_MS) &&
        move.seq > (before?.seq ?? 0) &&
        move.seq < seq,
    );
  });
  return {
    at: Math.min(at, ...moves.map((move) => move.at)),
    order: Math.min(seq, ...moves.map((move) => move.seq - 0.5)),
  };
}

/** A decision is told of at most so long after it is carried out, in milliseconds, where the program is not stuck. */
const LATE_MS = 1_000;

const isLeaving = (to: string): boolean => to === 'busy.draining' || to === 'released.releasing';

/** What the plugins do that are asked to leave, until each has left or stays. */
function evictionSteps(
  source: RecordSource,
  decisions: readonly DecisionRecord[],
  window: RequestWindow,
): readonly SequenceStep[] {
  const steps = new Map<MilestoneRecord, SequenceStep>();
  for (const [index, decision] of decisions.entries()) {
    const { at: from, order: after } = placeOf(source, decision, decisions[index - 1]);
    for (const { plugin, generation } of decision.chosen) {
      const line = `plugin:${plugin}`;
      for (const move of movesOf(within(source.recordsOf(line), { ...window, from, after }), line, generation)) {
        const step = leavingStep(move.to);
        if (step === undefined) continue;
        steps.set(move, {
          at: move.at,
          order: move.seq,
          from: line,
          to: step.isOver ? SCHEDULER : line,
          ...step.shown,
        });
        if (step.isOver) break;
      }
    }
  }
  return [...steps.values()];
}

function leavingStep(
  to: string,
): { readonly isOver: boolean; readonly shown: Pick<SequenceStep, 'text' | 'tone'> } | undefined {
  if (to === 'busy.draining') return { isOver: false, shown: { text: 'ends its calls', tone: 'wait' } };
  if (to === 'released.releasing') return { isOver: false, shown: { text: 'gives up its resources', tone: 'plain' } };
  if (to === 'discovered.stopping') return { isOver: false, shown: { text: 'its worker ends', tone: 'plain' } };
  if (to === 'released.warm')
    return { isOver: true, shown: { text: 'has left; its worker stays, warm', tone: 'plain' } };
  if (staysIn(to)) return { isOver: true, shown: { text: 'stays: it has calls', tone: 'bad' } };
  if (/^(released|discovered)/.test(to)) return { isOver: true, shown: { text: 'has left', tone: 'plain' } };
  return to.startsWith('crashed') ? { isOver: true, shown: { text: 'has crashed', tone: 'bad' } } : undefined;
}

function loadSteps(
  moves: readonly (TransitionRecord | InstanceRecord)[],
  plugin: string,
  generation: number | undefined,
): readonly SequenceStep[] {
  const [id, worker] = [`plugin:${plugin}`, workerLine(plugin)];
  const number = generation === undefined ? '' : `worker ${generation} `;
  const steps: SequenceStep[] = [];
  let isStarting = false;
  for (const { at, seq: order, to, reason } of moves) {
    const loading = LOADING[to];
    if (loading !== undefined) {
      const [direction, text, tone] = loading;
      isStarting = true;
      steps.push({
        at,
        order,
        from: direction === 'back' ? worker : id,
        to: direction === 'to' ? worker : id,
        text: to === 'spawning.launching' ? `starts ${number}`.trimEnd() : text,
        tone,
      });
    } else if (isStarting && staysIn(to)) {
      steps.push({ at, order, from: worker, to: id, text: 'is ready', tone: 'good' });
      isStarting = false;
    } else if (to === 'crashed.deciding' || to === 'crashed.failed') {
      const text = to === 'crashed.failed' ? 'is given up' : `has failed: ${isolated(reason ?? 'its process ended')}`;
      steps.push({ at, order, from: to === 'crashed.failed' ? id : worker, to: id, text, tone: 'bad' });
      isStarting = false;
    }
  }
  return steps;
}

/** The states that a worker goes through: as one of several instances where it is told of as such, else as its plugin. */
function movesOf(
  records: readonly MilestoneRecord[],
  id: ActorId,
  generation: number | undefined,
): readonly (TransitionRecord | InstanceRecord)[] {
  const instance = records.filter(
    (record): record is InstanceRecord => record.kind === 'instance' && record.generation === generation,
  );
  if (instance.length > 0) return instance;
  return records.filter((record): record is TransitionRecord => record.kind === 'transition' && record.actor === id);
}

/** The step by which a plugin comes to ask: a call or the program's `load`. */
export function causeStep(source: RecordSource, plugin: string, window: RequestWindow): readonly SequenceStep[] {
  const id = `plugin:${plugin}`;
  const asking = within(source.recordsOf(id), window).find(
    (record) => record.kind === 'transition' && record.to === 'spawning.admitting',
  );
  if (asking?.kind !== 'transition') return [];
  const text = { CALL: 'calls it', LOAD: 'loads it' }[asking.event];
  return text === undefined ? [] : [{ at: asking.at, order: 0, from: CALLER, to: id, text, tone: 'plain' }];
}
