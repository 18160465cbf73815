import { useState } from 'preact/hooks';
import type { JobAction, JobDetails, JobState } from '../../wire-jobs.ts';
import { Confirm } from '../shell/confirm.tsx';
import { actOnJobs } from './job-source.ts';
import { hasEnded } from './job-text.ts';

interface Choice {
  readonly action: JobAction;
  readonly title: string;
  readonly fits: (state: JobState) => boolean;
  /** What it does, where that is to be confirmed. */
  readonly effect?: string;
}

const CHOICES: readonly Choice[] = [
  {
    action: 'cancel',
    title: 'Cancel the job',
    fits: (state) => !hasEnded(state),
    effect: 'It does not run, or its call is cancelled where it runs. Jobs that come after it fail.',
  },
  { action: 'first', title: 'Make it the next', fits: (state) => ['waiting', 'delayed', 'blocked'].includes(state) },
  { action: 'retry', title: 'Run it again', fits: hasEnded },
  {
    action: 'remove',
    title: 'Remove the job',
    fits: hasEnded,
    effect: 'Its input, its result and what is known of its attempts are deleted.',
  },
];

/** What can be done with a job as it stands. */
export function JobActions({ job: { id, state }, token }: { readonly job: JobDetails; readonly token: string }) {
  const [asked, setAsked] = useState<Choice | undefined>(undefined);
  const [said, setSaid] = useState('');
  const act = async ({ action, title }: Choice): Promise<void> => {
    setSaid(`${title} …`);
    const answer = await actOnJobs(token, { action, job: id });
    if (!answer.ok) setSaid(answer.message);
    else if (answer.state !== undefined && answer.state !== 'cancelled')
      setSaid(`It had ended before: ${answer.state}.`);
    else setSaid('');
  };
  return (
    <>
      {CHOICES.filter(({ fits }) => fits(state)).map((choice) => (
        <button
          key={choice.action}
          type="button"
          class="small"
          onClick={() => (choice.effect === undefined ? void act(choice) : setAsked(choice))}
        >
          {choice.title}
        </button>
      ))}
      <span role="status">
        <bdi>{said}</bdi>
      </span>
      <Confirm
        question={
          asked && {
            title: `${asked.title}?`,
            effect: asked.effect ?? '',
            yes: asked.title,
            onYes: () => void act(asked),
          }
        }
        onClose={() => setAsked(undefined)}
      />
    </>
  );
}
