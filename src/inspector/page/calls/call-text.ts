import type { CallPart } from '../../wire.ts';
import { durationText } from '../store/format.ts';
import type { CallItem } from './call-log.ts';

/** The parts of a call, each with its title and with what is said of a call that is at it. */
export const PARTS: readonly { readonly part: CallPart; readonly title: string; readonly now: string }[] = [
  { part: 'queue', title: 'Queued', now: 'is queued' },
  { part: 'load', title: 'Loading', now: 'waits for its worker to load' },
  { part: 'run', title: 'Running', now: 'runs' },
];

/** A shorter wait is not what a call took so long for, in milliseconds. */
const NOTED_WAIT_MS = 100;

/** What a call is at, or how it ended, in words. */
export function outcomeText({ state, part, outcome, errorType }: CallItem): string {
  if (state === 'running') return PARTS.find((each) => each.part === part)?.now ?? 'has not ended';
  if (state === 'ok') return 'went well';
  return [outcome ?? 'failed', errorType].filter((text) => text !== undefined).join(' · ');
}

/** The state of a call in a word or two. */
export function stateText({ state, part }: CallItem): string {
  if (state !== 'running') return state;
  return PARTS.find((each) => each.part === part)?.title.toLowerCase() ?? 'not ended';
}

/** How long a call ran that waited for longer than that, and long enough to be asked about; undefined of any other. */
export function ranText({ state, parts: { queue, load, run } }: CallItem): string | undefined {
  if (run === 0 || queue + load < Math.max(run, NOTED_WAIT_MS)) return undefined;
  return state === 'running' ? `${preciseText(run)} so far` : `ran ${preciseText(run)}`;
}

/** How far a call says that it is; undefined where it says nothing, or has ended. */
export function progressText({ state, progress, message, chunks }: CallItem): string | undefined {
  if (state !== 'running') return undefined;
  const parts = [
    progress !== undefined && `${Math.round(progress * 100)} %`,
    message,
    chunks !== undefined && `${chunks.toLocaleString()} chunks`,
  ].filter((text) => text !== undefined && text !== false);
  return parts.length === 0 ? undefined : parts.join(' · ');
}

/** Quick calls take less than a millisecond. */
export const preciseText = (ms: number): string => (ms < 10 ? `${Number(ms.toFixed(1))} ms` : durationText(ms));
