import type { JobRow, JobState } from '../../wire-jobs.ts';
import { dayTimeText, JOB_MARKS, noteText, shortId } from './job-text.ts';

/** What {@link JobListRow} shows. */
export interface JobListRowProps {
  readonly job: JobRow;
  /** From 1. */
  readonly place: number;
  /** Whether the list has jobs of several plugins, so that each says of which it is. */
  readonly isOfAll: boolean;
  readonly isSelected: boolean;
  /** Why jobs of its plugin wait. */
  readonly waitsFor: string | undefined;
  readonly onSelect: () => void;
}

/** One job of the list. */
export function JobListRow({ job, place, isOfAll, isSelected, waitsFor, onSelect }: JobListRowProps) {
  const { id, plugin, tool, state, addedAt } = job;
  const note = noteText(job, waitsFor);
  return (
    <div
      class="job-row split-row"
      role="row"
      aria-rowindex={place}
      aria-current={isSelected ? 'true' : undefined}
      data-job={id}
      data-state={state}
      onClick={onSelect}
    >
      <span role="cell">
        <StateMark state={state} />
      </span>
      <span role="cell" title={`Added ${dayTimeText(addedAt)}`}>
        {shortId(id)}
      </span>
      <span role="cell" class="job-called" title={`${plugin}${tool === undefined ? '' : ` · ${tool}`}`}>
        {isOfAll && <bdi>{plugin}</bdi>}{' '}
        <bdi class={isOfAll ? 'muted' : undefined}>{tool ?? (isOfAll ? '' : 'execute')}</bdi>
      </span>
      <span role="cell" class="job-note" title={note}>
        <bdi>{note}</bdi>
      </span>
    </div>
  );
}

/** A state as its sign in its colour; for readers of the text alone, in words. */
export function StateMark({ state }: { readonly state: JobState }) {
  const { sign, color } = JOB_MARKS[state];
  return (
    <span class={`ink-${color}`} title={state}>
      <span aria-hidden="true">{sign}</span>
      <span class="unseen-text">{state}</span>
    </span>
  );
}

/** A state in its colour, with its sign and its name. */
export function JobStateTag({ state }: { readonly state: JobState }) {
  const { sign, color } = JOB_MARKS[state];
  return (
    <span class={`tag tag-${color}`}>
      <span aria-hidden="true">{sign}</span> {state}
    </span>
  );
}
