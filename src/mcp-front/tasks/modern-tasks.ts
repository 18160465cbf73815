import { setTimeout as delay } from 'node:timers/promises';
import { GreenroomError } from '../../errors.ts';
import { isFinal, type Job } from '../../jobs/job.ts';
import { hasDoneNothing } from '../../jobs/job-errors.ts';
import type { JobHandle } from '../../jobs/job-handle.ts';
import type { Jobs } from '../../jobs/jobs.ts';
import type { McpRequestOptions, ToolJob } from '../../mcp/front-plugin.ts';
import { isObject, type JsonObject, RPC_ERROR } from '../../mcp/json-rpc.ts';
import { META } from '../../mcp/revisions.ts';
import { RpcFailure } from '../../mcp/rpc-failure.ts';
import { failedResult } from '../call-failure.ts';
import { metaOf } from '../envelope.ts';
import { ProgressScale } from '../progress-scale.ts';
import { faultOf } from '../rpc-fault.ts';
import type { ServiceTasks } from './service-tasks.ts';
import { modernTask } from './task.ts';
import { MAX_TTL_MS } from './task-key.ts';

/** The extension of revision 2026-07-28. */
export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

/** What it adds to the requests. */
export const MODERN_TASK_METHODS: ReadonlySet<string> = new Set(['tasks/get', 'tasks/update', 'tasks/cancel']);

/** A call that has ended by then is answered with its result, and is no task; in milliseconds. */
const AT_ONCE_MS = 1_000;

/** What a service says of itself, and that it has tasks. */
export function withTasks<Described extends { readonly capabilities: JsonObject }>(described: Described): Described {
  const { extensions } = described.capabilities;
  const all = { ...(isObject(extensions) && extensions), [TASKS_EXTENSION]: {} };
  return { ...described, capabilities: { ...described.capabilities, extensions: all } };
}

/** Whether a request says that its client knows tasks. */
export function declaresTasks(params: JsonObject): boolean {
  const capabilities = metaOf(params)[META.clientCapabilities];
  const extensions = isObject(capabilities) ? capabilities['extensions'] : undefined;
  return isObject(extensions) && isObject(extensions[TASKS_EXTENSION]);
}

/** Throws −32021 where the client does not say that it knows tasks. */
export function demandTasks(params: JsonObject): void {
  if (declaresTasks(params)) return;
  const text = `This is for clients that declare the extension "${TASKS_EXTENSION}" in their capabilities.`;
  throw new RpcFailure(RPC_ERROR.missingClientCapability, text, {
    requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } },
  });
}

/** Answers a request of {@link MODERN_TASK_METHODS}. Rejects with −32021 and −32602, and with a GreenroomError. */
export async function askModernTask(tasks: ServiceTasks, method: string, params: JsonObject): Promise<JsonObject> {
  demandTasks(params);
  const job = await tasks.read(params['taskId']);
  if (method === 'tasks/get') return detailedTask(tasks, job);
  // No tool asks for anything, so that there is nothing to answer by `tasks/update`.
  if (method === 'tasks/cancel' && !isFinal(job.state)) {
    const jobs = await tasks.front.open();
    // The answer says that it was heard, not that it was done.
    jobs.cancel(job.id).catch(tasks.front.onError);
  }
  return {};
}

/** A task with what it has come to. Rejects with `E_JOB_STORE`. */
export async function detailedTask(tasks: ServiceTasks, job: Job): Promise<JsonObject> {
  const task = modernTask(job, tasks.front.clock.now());
  if (job.state !== 'done' && job.state !== 'failed') return task;
  try {
    return { ...task, result: { resultType: 'complete', ...(await tasks.resultOf(job)) } };
  } catch (error) {
    return { ...task, status: 'failed', error: faultOf(error, tasks.front.onError) };
  }
}

/**
 * Makes the call of a client that knows tasks, as a job from its beginning: answered with its result, or, if it takes
 * longer, with its task. Undefined where the call is to be made without: the tool cannot be a task, or there are no jobs.
 */
export async function callAsTask(
  tasks: ServiceTasks,
  params: JsonObject,
  options: McpRequestOptions,
): Promise<JsonObject | undefined> {
  const call = await placed(tasks, params, options);
  if (call === undefined) return undefined;
  const { plugin, job } = call;
  const jobs = await tasks.front.open().catch(() => undefined);
  if (jobs === undefined) return undefined;
  options.signal.throwIfAborted();
  let handle: JobHandle;
  try {
    handle = await tasks.begin(plugin, job, MAX_TTL_MS);
  } catch (error) {
    // Where it may be stored all the same it is not to be made twice.
    const isUnkept = error instanceof GreenroomError && error.code === 'E_JOB_STORE' && hasDoneNothing(error);
    return isUnkept ? undefined : failedResult(error);
  }
  const { signal } = options;
  const ended = await endedSoon(jobs, handle, options).catch((error: unknown) => {
    // The client does not know of the task, and has gone: its call is cancelled as any other.
    if (signal.aborted) jobs.cancel(handle.id).catch(tasks.front.onError);
    throw error;
  });
  if (ended === undefined) return { resultType: 'task', ...modernTask(await handle.read(), tasks.front.clock.now()) };
  const result = await tasks.resultOf(ended);
  // Nobody knows of it.
  jobs.remove(ended.id).catch(tasks.front.onError);
  return result;
}

/** The job that a call is; undefined where it is none, or where the call itself says what is wrong with its plugin. */
async function placed(
  tasks: ServiceTasks,
  params: JsonObject,
  options: McpRequestOptions,
): Promise<{ readonly plugin: string; readonly job: ToolJob } | undefined> {
  try {
    const call = await tasks.places.find(params, options);
    const job = await call?.plugin.jobOf?.(call.params);
    return call === undefined || job === undefined ? undefined : { plugin: call.plugin.name, job };
  } catch (error) {
    if (error instanceof GreenroomError) return undefined;
    throw error;
  }
}

/** The job if it ends soon; until then its progress is told as that of a call. Rejects with the reason of the signal. */
async function endedSoon(
  jobs: Jobs,
  handle: JobHandle,
  { signal: given, onProgress }: McpRequestOptions,
): Promise<Job | undefined> {
  const over = new AbortController();
  const late = delay(AT_ONCE_MS, undefined, { signal: over.signal, ref: false }).catch(() => {});
  const signal = AbortSignal.any([given, over.signal]);
  const ended = onProgress === undefined ? jobs.ended(handle.id, signal) : followed(handle, signal, onProgress);
  try {
    return (await Promise.race([ended, late])) ?? undefined;
  } finally {
    over.abort();
    ended.catch(() => {});
  }
}

async function followed(
  handle: JobHandle,
  signal: AbortSignal,
  onProgress: (params: JsonObject) => void,
): Promise<Job | undefined> {
  const scale = new ProgressScale();
  let [last, told]: [Job | undefined, unknown] = [undefined, undefined];
  for await (const job of handle.watch({ signal })) {
    last = job;
    if (job.progress === undefined || job.progress === told || isFinal(job.state)) continue;
    told = job.progress;
    onProgress(scale.next(job.progress));
  }
  return last;
}
