import type { ActorId, MilestoneRecord } from '../../wire.ts';
import { actorText, timeText } from '../store/format.ts';

/** Where the records are read: a `History`. */
export interface RecordSource {
  /** The milestones of an actor, in order, and the decisions by which it was evicted. */
  readonly recordsOf: (id: ActorId) => readonly MilestoneRecord[];
  /** When the earliest record that is remembered was, in milliseconds since the epoch. */
  readonly firstAt: number;
}

/** The line of the program or client that calls. Every other line has the id of its actor, or is a {@link workerLine}. */
export const CALLER = 'caller';

/** The line of the workers of a plugin, which follow one another. */
export const workerLine = (plugin: string): string => `worker:${plugin}`;

/** Someone who does something in a sequence. */
export interface Lifeline {
  readonly id: string;
  /** Its name, isolated from the text around it. */
  readonly name: string;
}

/** How a step is to be taken: as a matter of course, well, badly, or as a wait. */
export type StepTone = 'plain' | 'good' | 'bad' | 'wait';

/** Something that was done: from one line to another, or within one where both are the same. */
export interface SequenceStep {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly from: string;
  readonly to: string;
  readonly text: string;
  readonly tone: StepTone;
  /** Among steps of the same millisecond: the `seq` of what tells of it. */
  readonly order: number;
}

/** Who did what, in order. */
export interface Sequence {
  /** Those that a step is from or to, in the order in which they are drawn. */
  readonly lifelines: readonly Lifeline[];
  readonly steps: readonly SequenceStep[];
  /** After how many of the steps some are left out, and how many those are. */
  readonly gap: { readonly after: number; readonly count: number } | undefined;
  /** Whether it began before the earliest record that is remembered. */
  readonly isCut: boolean;
}

/** At most so many steps are shown, half of them from the beginning. */
const MAX_STEPS = 80;

/** Puts steps in order of time; of a great many the first and the last stay. */
export function sequenceOf(steps: readonly SequenceStep[], caller: string, isCut: boolean): Sequence {
  const all = steps.toSorted((one, other) => one.at - other.at || one.order - other.order);
  const count = Math.max(0, all.length - MAX_STEPS);
  const shown = count === 0 ? all : [...all.slice(0, MAX_STEPS / 2), ...all.slice(-MAX_STEPS / 2)];
  const ids = new Set(shown.flatMap(({ from, to }) => [from, to]));
  const gap = count === 0 ? undefined : { after: MAX_STEPS / 2, count };
  return { lifelines: inOrder(ids).map((id) => ({ id, name: nameOf(id, caller) })), steps: shown, gap, isCut };
}

/** The caller, the plugin, its worker, the scheduler, and then the plugins that are evicted. */
function inOrder(ids: ReadonlySet<string>): string[] {
  const own = [...ids].find((id) => id.startsWith('plugin:')) ?? '';
  const worker = own.replace('plugin:', 'worker:');
  const first = [CALLER, own, worker, 'scheduler'].filter((id) => ids.has(id));
  return [...first, ...[...ids].filter((id) => !first.includes(id))];
}

function nameOf(id: string, caller: string): string {
  if (id === CALLER) return caller;
  return id.startsWith('worker:') ? 'Worker' : id === 'scheduler' ? 'Scheduler' : actorText(id);
}

/** How long after the first step something was, in seconds to the millisecond. */
export function sinceText(at: number, first: number): string {
  return `+${(Math.max(0, at - first) / 1_000).toFixed(3)} s`;
}

/** One step in words. */
export function stepText({ lifelines }: Sequence, { from, to, text }: SequenceStep): string {
  const name = (id: string): string => lifelines.find((line) => line.id === id)?.name ?? id;
  return from === to ? `${name(from)}: ${text}` : `${name(from)} → ${name(to)}: ${text}`;
}

/** A sequence in one sentence. */
export function summaryText({ steps, gap }: Sequence): string {
  const [first, last] = [steps[0], steps.at(-1)];
  if (first === undefined || last === undefined) return 'No steps';
  const count = steps.length + (gap?.count ?? 0);
  return `${count} steps from ${timeText(first.at)}, ${sinceText(last.at, first.at).slice(1)} long`;
}
