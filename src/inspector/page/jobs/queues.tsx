import { useState } from 'preact/hooks';
import type { JobsOfPlugin, QueueAction } from '../../wire-jobs.ts';
import { countText } from '../store/format.ts';
import { usePage } from '../store/page.ts';
import { StateMark } from './job-list-row.tsx';
import { actOnJobs } from './job-source.ts';
import { hasEnded, JOB_STATES } from './job-text.ts';
import type { JobsView } from './jobs-view.ts';

/** Of so many plugins the jobs are counted; the others can be chosen above the list. */
const MAX_SHOWN = 100;

/** What {@link Queues} shows. */
export interface QueuesProps {
  readonly view: JobsView;
  /** The only plugin; undefined: all. */
  readonly plugin: string | undefined;
  readonly mayControl: boolean;
}

/** How many jobs each plugin has, what keeps them, and whether they are taken: first those whose jobs have not all ended. */
export function Queues({ view, plugin, mayControl }: QueuesProps) {
  const page = usePage();
  const [fault, setFault] = useState('');
  const queues = [...view.plugins.value.values()].toSorted(
    (a, b) => Number(isOver(a)) - Number(isOver(b)) || (a.plugin < b.plugin ? -1 : 1),
  );
  const [isPaused, others] = [view.isPaused.value, view.others.value];
  const act = async (action: QueueAction, of: string | undefined): Promise<void> => {
    const answer = await actOnJobs(page.token, { action, plugin: of });
    setFault(answer.ok ? '' : answer.message);
  };
  const pausing = (paused: boolean, of: string | undefined) =>
    mayControl && (
      <button
        type="button"
        class="small"
        aria-label={`${paused ? 'Resume' : 'Pause'} ${of ?? 'all plugins'}`}
        onClick={() => void act(paused ? 'resume' : 'pause', of)}
      >
        {paused ? 'Resume' : 'Pause'}
      </button>
    );
  return (
    <>
      {fault !== '' && (
        <p class="jobs-fault" role="alert">
          <bdi>{fault}</bdi>
        </p>
      )}
      {(isPaused || (mayControl && plugin === undefined)) && (
        <p class="queue-head">
          {isPaused ? <b class="queue-paused">All plugins are paused</b> : 'All plugins'} {pausing(isPaused, undefined)}
        </p>
      )}
      <ul class="queues" aria-label="Jobs of each plugin">
        {queues.slice(0, MAX_SHOWN).map(({ plugin: name, counts, isPaused: isOwnPaused, waitsFor }) => (
          <li key={name}>
            <p class="queue-head">
              <b>
                <bdi>{name}</bdi>
              </b>
              {isOwnPaused && <span class="queue-paused">paused</span>} {pausing(isOwnPaused, name)}
            </p>
            <p class="queue-counts">
              {JOB_STATES.map(
                (state) =>
                  counts[state] !== undefined && (
                    <span key={state}>
                      <StateMark state={state} /> {counts[state].toLocaleString()}{' '}
                      <span aria-hidden="true">{state}</span>
                    </span>
                  ),
              )}
            </p>
            {waitsFor !== undefined && (
              <p>
                <bdi>{waitsFor}</bdi>
              </p>
            )}
          </li>
        ))}
      </ul>
      {queues.length > MAX_SHOWN && (
        <p class="muted">And {countText(queues.length - MAX_SHOWN, 'further plugin')}: choose one above the list.</p>
      )}
      {queues.length > 0 && <p class="muted">Select a job to see its attempts, its input and its result.</p>}
      {others > 0 && (
        <p class="muted">
          {countText(others, 'other store')} of jobs {others === 1 ? 'is' : 'are'} open and not shown: only the one that
          was opened last is.
        </p>
      )}
    </>
  );
}

/** Whether all its jobs have ended. */
const isOver = ({ counts }: JobsOfPlugin): boolean =>
  JOB_STATES.every((state) => hasEnded(state) || counts[state] === undefined);
