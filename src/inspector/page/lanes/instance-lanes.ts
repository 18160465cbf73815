import { placeAfter, seqOf } from '../../binary-search.ts';
import type { MilestoneRecord } from '../../wire.ts';
import {
  type InstanceHistory,
  isAlike,
  type Lane,
  NO_INSTANCE,
  type Stay,
  stateAndPhase,
  workerId,
  workersIn,
} from '../store/model.ts';

/** One instance, from its start to its end. */
interface Run {
  readonly stays: Stay[];
  readonly marks: Lane['marks'][number][];
  /** When nothing of it was left. */
  end: number;
}

/** The lanes of a plugin's instances: as many as there were at once, so that the pool is seen to grow and shrink. */
export function instanceLanes({ id, start, startAt, complete, recordsOf }: InstanceHistory): Lane[] {
  const name = id.slice('plugin:'.length);
  const runs = new Map<number, Run>();
  const runOf = (generation: number): Run => {
    const known = runs.get(generation) ?? { stays: [], marks: [], end: Infinity };
    runs.set(generation, known);
    return known;
  };
  const meet = (actors: InstanceHistory['start'], at: number): void => {
    for (const generation of workersIn(actors.get(id)?.context)) {
      const instance = actors.get(workerId(name, generation))?.instance;
      if (instance === undefined) continue;
      const { stays } = runOf(generation);
      const { state, phase, since = at } = instance;
      if (!isAlike(stays.at(-1), instance)) stays.push({ state, phase, from: since, seq: 0, generation });
    }
  };
  meet(start, startAt);
  const own = recordsOf(id);
  const late = placeAfter(own, complete.seq, seqOf);
  for (const [place, record] of [...own, undefined].entries()) {
    // Those of quick calls are missing before.
    if (place === late) meet(complete.actors, complete.at);
    if (record === undefined) break;
    if (record.kind === 'crash') runs.get(record.generation)?.marks.push(markOf(record));
    if (record.kind !== 'instance') continue;
    const { generation, at, seq, to } = record;
    const run = runOf(generation);
    if (to === 'discovered.idle') run.end = at;
    else run.stays.push({ ...stateAndPhase('plugin', to), from: at, seq, generation });
  }
  const rows: { readonly stays: Stay[]; readonly marks: Run['marks']; readonly memory: Memory; end: number }[] = [];
  for (const [generation, { stays, marks, end }] of [...runs].toSorted(([, a], [, b]) => startOf(a) - startOf(b))) {
    if (stays.length === 0) continue;
    let row = rows.find((each) => each.end <= (stays[0]?.from ?? 0));
    if (row === undefined) rows.push((row = { stays: [], marks: [], memory: [], end }));
    row.stays.push(...stays);
    if (end !== Infinity) row.stays.push({ state: NO_INSTANCE, phase: '', from: end, seq: 0 });
    row.marks.push(...marks);
    row.memory.push(...memoryIn(recordsOf(workerId(name, generation))));
    row.end = end;
  }
  if (rows.length < 2) return [];
  return rows.map(({ stays, marks, memory }, index) => ({
    ...{ id, name, row: index + 1, stays, marks, memory },
    budgetMb: start.get(id)?.facts?.budgetMb,
  }));
}

const startOf = ({ stays }: Run): number => stays[0]?.from ?? Infinity;

const markOf = ({ at, seq }: MilestoneRecord): Lane['marks'][number] => ({ at, seq, kind: 'crash' });

type Memory = Lane['memory'][number][];

function memoryIn(records: readonly MilestoneRecord[]): Memory {
  return records.flatMap((record) => {
    const memoryMb = record.kind === 'context' ? record.context['memoryMb']?.after : undefined;
    return typeof memoryMb === 'number' ? [{ at: record.at, memoryMb }] : [];
  });
}

/** By the lane of the plugin, which is made anew whenever there is something new of it. */
const known = new WeakMap<Lane, readonly Lane[]>();

/** A lane, and below it those of its instances, each of which has the allowed memory for itself. */
export function withInstances(lane: Lane, history: InstanceHistory): readonly Lane[] {
  let all = known.get(lane);
  if (all === undefined) {
    const rows = instanceLanes(history);
    all = rows.length === 0 ? [lane] : [{ ...lane, budgetMb: undefined }, ...rows];
    known.set(lane, all);
  }
  return all;
}
