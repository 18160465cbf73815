import { useEffect, useRef, useState } from 'preact/hooks';
import type { Json } from '../../wire.ts';
import type { JobAttempt, JobDetails } from '../../wire-jobs.ts';
import { mayAct } from '../panes/act.ts';
import { ColumnHeads } from '../shell/column-heads.tsx';
import { countText, durationText, jsonText } from '../store/format.ts';
import { usePage } from '../store/page.ts';
import { JobActions } from './job-actions.tsx';
import { JobStateTag, StateMark } from './job-list-row.tsx';
import { fetchJob } from './job-source.ts';
import { dayTimeText, hasEnded, noteText, progressText, shortId } from './job-text.ts';
import type { JobsView } from './jobs-view.ts';

/** What {@link JobView} shows. */
export interface JobViewProps {
  readonly id: string;
  readonly view: JobsView;
  readonly token: string;
  /** The plugin whose jobs are listed; undefined: all. */
  readonly of: string | undefined;
}

/** One job: how it stands, why it failed, its attempts, what it was given and what came of it. */
export function JobView({ id, view, token, of }: JobViewProps) {
  const page = usePage();
  const { job, fault } = useJob(id, token, view);
  const close = (
    <button
      type="button"
      class="small"
      onClick={() => {
        page.job.value = undefined;
      }}
    >
      All queues
    </button>
  );
  if (job === undefined)
    return (
      <>
        <div class="buttons">{close}</div>
        {fault === undefined ? (
          <p class="muted">Reading the job …</p>
        ) : (
          <p class="jobs-fault">
            <bdi>{fault}</bdi>
          </p>
        )}
      </>
    );
  const { plugin, tool, state, error, stack } = job;
  const actor = `plugin:${plugin}`;
  return (
    <article class="job" aria-label={`Job ${id}`}>
      <p class="job-title">
        <JobStateTag state={state} />{' '}
        <b>
          <bdi>{plugin}</bdi> · <bdi>{tool ?? 'execute'}</bdi>
        </b>
      </p>
      <p class="mono job-id">{id}</p>
      {fault !== undefined && (
        <p class="jobs-fault">
          <bdi>{fault}</bdi>
        </p>
      )}
      {error !== undefined && !(state === 'running' || state === 'done') && (
        <p class="jobs-fault">
          {error.code}
          {error.type !== undefined && ` · ${error.type}`}: <bdi>{error.message}</bdi>
        </p>
      )}
      <div class="buttons">
        {close}
        {of === undefined && page.moment.value.actors.has(actor) && (
          <button
            type="button"
            class="small"
            onClick={() => {
              page.selected.value = actor;
            }}
          >
            Select the plugin
          </button>
        )}
        {mayAct(page) && <JobActions key={state} job={job} token={token} />}
      </div>
      {state === 'running' && <Progress job={job} />}
      <Facts job={job} waitsFor={view.plugins.value.get(plugin)?.waitsFor} />
      {job.history.length > 0 && <Attempts job={job} />}
      {stack !== undefined && <Part title="Traceback" value={stack} />}
      {job.input !== undefined && <Part title="Input" value={job.input} />}
      {job.result !== undefined && <Part title="Result" value={job.result} />}
      {!job.payloads && <p class="muted">Inputs and results are not shown: the option payloads is off.</p>}
    </article>
  );
}

function Progress({ job }: { readonly job: JobDetails }) {
  const { progress } = job;
  return (
    <p class="job-progress">
      {progress !== undefined && progress >= 0 && <progress aria-label="Progress" value={progress} max={1} />}
      <bdi>{progressText(job)}</bdi>
    </p>
  );
}

function Facts({ job, waitsFor }: { readonly job: JobDetails; readonly waitsFor: string | undefined }) {
  const page = usePage();
  const { addedAt, dueAt, startedAt, endedAt, attempt, attempts, interruptions, priority, key, once, state, after } =
    job;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['Waits for', (state === 'waiting' && noteText(job, waitsFor)) || undefined],
    ['Added', dayTimeText(addedAt)],
    ['Due', state === 'delayed' && dueAt !== undefined ? dayTimeText(dueAt) : undefined],
    ['Began', startedAt === undefined ? undefined : dayTimeText(startedAt)],
    ['Ended', endedAt === undefined ? undefined : dayTimeText(endedAt)],
    ['Attempts', `${attempt} of ${attempts}${once ? ', at most once' : ''}`],
    [
      'Interrupted',
      interruptions === 0 ? undefined : `${countText(interruptions, 'time')}: its program ended while it ran`,
    ],
    ['Priority', priority === 0 ? undefined : String(priority)],
    ['Key', key],
  ];
  return (
    <dl class="facts">
      {rows.map(
        ([term, text]) =>
          text !== undefined && (
            <div key={term}>
              <dt>{term}</dt>
              <dd>
                <bdi>{text}</bdi>
              </dd>
            </div>
          ),
      )}
      {after.length > 0 && (
        <div>
          <dt>After</dt>
          <dd class="job-after">
            {after.map((each) => (
              <button
                key={each.id}
                type="button"
                class="small"
                title={each.id}
                onClick={() => {
                  page.job.value = each.id;
                }}
              >
                {each.state !== undefined && <StateMark state={each.state} />} <bdi>{each.plugin ?? 'removed'}</bdi>{' '}
                {shortId(each.id)}
              </button>
            ))}
          </dd>
        </div>
      )}
    </dl>
  );
}

function Attempts({ job: { history, state } }: { readonly job: JobDetails }) {
  return (
    <>
      <h3>Attempts</h3>
      <table class="attempts">
        <ColumnHeads names={['', 'Began', 'Took', 'Worker', 'End']} />
        <tbody>
          {history.toReversed().map((attempt) => (
            <tr key={attempt.number}>
              <th scope="row">{attempt.number}</th>
              <td>{dayTimeText(attempt.startedAt)}</td>
              <td>{attempt.endedAt === undefined ? '' : durationText(attempt.endedAt - attempt.startedAt)}</td>
              <td>{attempt.generation === undefined ? '' : `#${attempt.generation}`}</td>
              <td>
                <bdi>{endText(attempt, hasEnded(state))}</bdi>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function endText({ end, error }: JobAttempt, isOver: boolean): string {
  if (end === undefined) return isOver ? '' : 'running';
  return error === undefined ? end : `${end} · ${error.code}: ${error.message}`;
}

function Part({ title, value }: { readonly title: string; readonly value: Json }) {
  return (
    <>
      <h3>{title}</h3>
      <pre class="code">{typeof value === 'string' ? value : jsonText(value)}</pre>
    </>
  );
}

/** A job as it is now: fetched when it is looked at, and whenever something has changed of it or of one that it comes after. */
function useJob(
  id: string,
  token: string,
  view: JobsView,
): { readonly job?: JobDetails | undefined; readonly fault?: string | undefined } {
  const [found, setFound] = useState<{ readonly job?: JobDetails | undefined; readonly fault?: string }>({});
  const news = view.news.value;
  const last = useRef<JobDetails | undefined>(undefined);
  const asked = useRef<{ readonly of: typeof news }>(undefined);
  useEffect(() => {
    const isOfIt = news?.has(id) === true || last.current?.after.some((each) => news?.has(each.id) === true) === true;
    if (asked.current !== undefined && !isOfIt) return;
    asked.current = { of: news };
    void fetchJob(token, id).then(
      (job) => {
        last.current = job;
        // An answer that was overtaken says what was before.
        if (asked.current?.of === news) setFound({ job });
      },
      (error: unknown) =>
        setFound({ job: last.current, fault: error instanceof Error ? error.message : String(error) }),
    );
  }, [id, token, news]);
  return found;
}
