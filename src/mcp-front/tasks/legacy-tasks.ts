import { GreenroomError } from '../../errors.ts';
import { isFinal, type Job } from '../../jobs/job.ts';
import type { JobHandle } from '../../jobs/job-handle.ts';
import type { McpRequestOptions } from '../../mcp/front-plugin.ts';
import { isObject, type JsonObject, type JsonRpcMessage, RPC_ERROR } from '../../mcp/json-rpc.ts';
import { RpcFailure } from '../../mcp/rpc-failure.ts';
import { quoted } from '../../text/shown.ts';
import { isOfEnd } from '../call-failure.ts';
import { metaOf } from '../envelope.ts';
import { ProgressScale } from '../progress-scale.ts';
import { invalidParams } from '../rpc-fault.ts';
import { checkedCall } from '../service-requests.ts';
import type { ServiceTasks } from './service-tasks.ts';
import { legacyStatus, legacyTask } from './task.ts';
import { MAX_TTL_MS } from './task-key.ts';

/** The revision that has tasks in itself. */
export const TASKS_REVISION = '2025-11-25';

/** What a service with tasks says that it can, by that revision. */
export const TASKS_CAPABILITY = { list: {}, cancel: {}, requests: { tools: { call: {} } } } as const;

/** The key of `_meta` that says of which task a message is. */
const RELATED = 'io.modelcontextprotocol/related-task';

/** The tasks of a client of revision 2025-11-25, who asks for them by `task` in `tools/call`, and is told of those that it began. */
export class LegacyTasks {
  readonly #tasks: ServiceTasks;
  readonly #send: (message: JsonRpcMessage) => void;
  readonly #gone = new AbortController();

  constructor(tasks: ServiceTasks, send: (message: JsonRpcMessage) => void) {
    this.#tasks = tasks;
    this.#send = send;
  }

  /** Answers what is about tasks; undefined: it is not. Rejects with an `RpcFailure` and a GreenroomError. */
  ask(method: string, params: JsonObject, options: McpRequestOptions): Promise<JsonObject> | undefined {
    switch (method) {
      case 'tools/call':
        return params['task'] === undefined ? undefined : this.#begin(params, options);
      case 'tasks/get':
        return this.#tasks.read(params['taskId']).then((job) => this.#taskOf(job));
      case 'tasks/result':
        return this.#result(params['taskId'], options.signal);
      case 'tasks/list':
        return this.#list(params['cursor']);
      case 'tasks/cancel':
        return this.#cancel(params['taskId']);
      default:
        return undefined;
    }
  }

  /** The client has gone: it is told no more. Its tasks go on. */
  close(): void {
    this.#gone.abort();
  }

  async #begin({ task, ...given }: JsonObject, options: McpRequestOptions): Promise<JsonObject> {
    const ttlMs = readTtl(task);
    const params = checkedCall(given);
    const call = await this.#tasks.places.find(params, options);
    const job = await call?.plugin.jobOf?.(call.params);
    if (call === undefined || job === undefined)
      throw new RpcFailure(
        RPC_ERROR.methodNotFound,
        `The tool ${quoted(params['name'])} cannot be run as a task. Call it without "task".`,
      );
    options.signal.throwIfAborted();
    const handle = await this.#tasks.begin(call.plugin.name, job, ttlMs).catch((error: unknown) => {
      throw notBegun(error);
    });
    this.#tell(handle, metaOf(params)['progressToken']);
    return { task: this.#taskOf(await handle.read()) };
  }

  async #result(id: unknown, signal: AbortSignal): Promise<JsonObject> {
    const job = await this.#tasks.ended(id, signal);
    const result = await this.#tasks.resultOf(job);
    return { ...result, _meta: { ...metaOf(result), [RELATED]: { taskId: job.id } } };
  }

  async #list(cursor: unknown): Promise<JsonObject> {
    const { jobs, next } = await this.#tasks.list(cursor);
    return { tasks: jobs.map((job) => this.#taskOf(job)), ...(next !== undefined && { nextCursor: next }) };
  }

  async #cancel(id: unknown): Promise<JsonObject> {
    const job = await this.#tasks.read(id);
    if (isFinal(job.state)) throw hasEnded(job);
    const jobs = await this.#tasks.front.open();
    await jobs.cancel(job.id);
    const ended = await jobs.read(job.id);
    if (ended.state !== 'cancelled') throw hasEnded(ended);
    return this.#taskOf(ended);
  }

  #taskOf(job: Job): JsonObject {
    return legacyTask(job, this.#tasks.front.clock.now());
  }

  /** Tells the client how a task goes, until that has ended. */
  #tell(handle: JobHandle, progressToken: unknown): void {
    const follow = async (): Promise<void> => {
      const scale = new ProgressScale();
      let [state, told]: [unknown, unknown] = [undefined, undefined];
      for await (const job of handle.watch({ signal: this.#gone.signal })) {
        if (job.progress !== undefined && job.progress !== told && !isFinal(job.state) && progressToken !== undefined) {
          told = job.progress;
          const params = { ...scale.next(job.progress), progressToken, _meta: { [RELATED]: { taskId: job.id } } };
          this.#send({ jsonrpc: '2.0', method: 'notifications/progress', params });
        }
        if (job.state === state) continue;
        // The answer to its call says how it began.
        if (state !== undefined)
          this.#send({ jsonrpc: '2.0', method: 'notifications/tasks/status', params: this.#taskOf(job) });
        state = job.state;
      }
    };
    // It was removed, the client has gone, or the daemon ends: a client asks, whatever it is told.
    follow().catch(() => {});
  }
}

function readTtl(task: unknown): number {
  const { ttl: given = null } = isObject(task) ? task : {};
  // An integer that a number does not hold is read as a bigint.
  const ttl = typeof given === 'bigint' ? Number(given) : given;
  if (!isObject(task) || !(ttl === null || (typeof ttl === 'number' && ttl >= 0)))
    throw invalidParams('"task" must be an object, in which "ttl" is a number of milliseconds from 0.');
  return Math.round(Math.min(ttl ?? MAX_TTL_MS, MAX_TTL_MS));
}

function notBegun(error: unknown): unknown {
  if (!(error instanceof GreenroomError) || isOfEnd(error)) return error;
  const { code, message } = error;
  if (code === 'E_INPUT' || code === 'E_SERIALIZE') return invalidParams(message);
  const text = `The task was not begun: ${message} Without "task" the tool can be called all the same.`;
  return new RpcFailure(RPC_ERROR.internal, text, { code });
}

function hasEnded(job: Job): RpcFailure {
  return invalidParams(`The task ${job.id} is ${legacyStatus(job)} already, and cannot be cancelled.`);
}
