import { problemOf } from '../../api/problem.ts';
import type { JobState } from '../../jobs/job.ts';
import type { Jobs } from '../../jobs/jobs.ts';
import { pluginId, SUPERVISOR } from '../record/actor-ids.ts';
import type { Recorder } from '../record/recorder.ts';
import type { ControlRecord } from '../wire.ts';
import type { JobAction, JobAnswer, JobRequest, QueueAction } from '../wire-jobs.ts';

const JOB_ACTIONS = ['cancel', 'retry', 'remove', 'first'] as const satisfies readonly JobAction[];
const QUEUE_ACTIONS = ['pause', 'resume'] as const satisfies readonly QueueAction[];

/** Where it is recorded what was done with jobs. */
export interface JobControlParts {
  readonly recorder: Recorder;
  /** Whether there is a plugin of this name now: jobs may be of one that there is not. */
  readonly isPlugin: (name: string) => boolean;
}

/**
 * Does with the jobs what the page asks for; resolves to the answer once it is done. It is recorded.
 *
 * @param openJobs gives those that are open; throws where none are
 * @param body the JSON that was sent
 */
export async function actOnJobs(
  openJobs: () => Jobs,
  body: string,
  parts: JobControlParts,
): Promise<{ readonly status: number; readonly answer: JobAnswer }> {
  const request = readRequest(body);
  if (request === undefined) {
    const message = `Send { "action", "job" } with ${JOB_ACTIONS.join(', ')}, or { "action", "plugin" } with ${QUEUE_ACTIONS.join(', ')}.`;
    return { status: 400, answer: { ok: false, message } };
  }
  let note: ReturnType<typeof noteOf> | undefined;
  try {
    const jobs = openJobs();
    const plugin = 'job' in request ? (await jobs.read(request.job)).plugin : request.plugin;
    note = noteOf(request, plugin, parts);
    note('asked', 'job' in request ? request.job : undefined);
    const answer: JobAnswer = { ok: true, state: await perform(jobs, request) };
    note('done');
    return { status: 200, answer };
  } catch (error) {
    const { status, detail } = problemOf(error);
    const message = parts.recorder.text(detail);
    note?.('failed', message);
    return { status, answer: { ok: false, message } };
  }
}

/** Resolves to the state in which a job has ended that was cancelled. */
async function perform(jobs: Jobs, request: JobRequest): Promise<JobState | undefined> {
  if (request.action === 'cancel') return jobs.cancel(request.job);
  if ('job' in request) await jobs[request.action](request.job);
  else await jobs[request.action](request.plugin);
  return undefined;
}

function noteOf(request: JobRequest, plugin: string | undefined, { recorder, isPlugin }: JobControlParts) {
  return (outcome: ControlRecord['outcome'], message?: string): void =>
    recorder.note({
      kind: 'control',
      at: recorder.clock.now(),
      actor: plugin !== undefined && isPlugin(plugin) ? pluginId(plugin) : SUPERVISOR,
      action: 'job' in request ? `${request.action} job` : `${request.action} jobs`,
      origin: 'inspector',
      outcome,
      message,
    });
}

/** Undefined where it makes no sense. */
function readRequest(body: string): JobRequest | undefined {
  let given: unknown;
  try {
    given = JSON.parse(body);
  } catch {
    return undefined;
  }
  const { action, job, plugin } = (given ?? {}) as Partial<Record<'action' | 'job' | 'plugin', unknown>>;
  const ofJob = JOB_ACTIONS.find((each) => each === action);
  if (ofJob !== undefined) return typeof job === 'string' ? { action: ofJob, job } : undefined;
  const ofQueue = QUEUE_ACTIONS.find((each) => each === action);
  if (ofQueue === undefined || (plugin !== undefined && typeof plugin !== 'string')) return undefined;
  return { action: ofQueue, plugin };
}
