import type { CallPart } from '../../wire.ts';
import { durationText } from '../store/format.ts';
import type { CallItem } from './call-log.ts';

/** The parts of a call, each with its title and with what is said of a call that is at it. */
export const PARTS: readonly { readonly part: CallPart; readonly title: string; readonly now: string }[] = [
  { part: 'queue', title: 'Queued', now: 'is queued' },
  { part: 'load', title: 'Loading', now: 'waits for its worker to load' },
  { part: 'run', title: 'Running', now: 'runs' },
];

/** What a call is at, or how it ended, in words. */
export function outcomeText({ state, part, outcome, errorType }: CallItem): string {
  if (state === 'running') return PARTS.find((each) => each.part === part)?.now ?? 'runs';
  if (state === 'ok') return 'went well';
  return [outcome ?? 'failed', errorType].filter((text) => text !== undefined).join(' · ');
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
