import { GreenroomError } from '../../errors.ts';
import { isFinal, type Job } from '../../jobs/job.ts';
import type { JobHandle } from '../../jobs/job-handle.ts';
import { rebuiltError } from '../../jobs/stored-error.ts';
import type { ToolJob } from '../../mcp/front-plugin.ts';
import type { JsonObject } from '../../mcp/json-rpc.ts';
import type { RpcFailure } from '../../mcp/rpc-failure.ts';
import { DEFAULT_TOOL } from '../../tools/tool-name.ts';
import { failedResult } from '../call-failure.ts';
import { resultOfStream, resultOfTool } from '../native-plugin.ts';
import { invalidParams } from '../rpc-fault.ts';
import type { FrontTasks } from './front-tasks.ts';
import { ttlOf } from './task-key.ts';
import type { TaskPlaces } from './task-places.ts';

/** How many jobs are looked at in one piece for a page of tasks, how many tasks make a page, and how many pieces one may take. */
const PIECE = 100;
const PAGE = 50;
const MOST_PIECES = 20;

/** How much is said of an identifier that is none, in characters. */
const MAX_SHOWN = 100;

/** A page of tasks, newest first, and where the next one begins; undefined: it is the last. */
export interface TaskPage {
  readonly jobs: readonly Job[];
  readonly next: string | undefined;
}

/** The tasks that a client sees at its address: those of the tools that it sees there, whoever has begun them. */
export class ServiceTasks {
  readonly front: FrontTasks;
  readonly places: TaskPlaces;

  constructor(front: FrontTasks, places: TaskPlaces) {
    this.front = front;
    this.places = places;
  }

  /** Makes a task of a call. Rejects as `jobs.add` does. */
  begin(plugin: string, job: ToolJob, ttlMs: number): Promise<JobHandle> {
    return this.front.begin(plugin, job, ttlMs);
  }

  /** The job that a task is. Rejects with −32602 where the client sees no such task, and with `E_JOB_STORE`. */
  async read(id: unknown): Promise<Job> {
    if (typeof id !== 'string') throw invalidParams('"taskId" is missing: name the task.');
    const jobs = await this.front.open();
    try {
      const job = await jobs.read(id);
      if (this.#sees(job)) return job;
    } catch (error) {
      if (!(error instanceof GreenroomError && error.code === 'E_JOB')) throw error;
    }
    throw invalidParams(
      `Unknown task: ${JSON.stringify(id.slice(0, MAX_SHOWN))}. Its time may be over, or it is that of another address.`,
    );
  }

  /** The handle of a task. Rejects as {@link read}. */
  async get(id: unknown): Promise<JobHandle> {
    const { id: known } = await this.read(id);
    return (await this.front.open()).get(known);
  }

  /** Waits for the end of a task. Rejects as {@link read}, and with the reason of the signal. */
  async ended(id: unknown, signal: AbortSignal): Promise<Job> {
    const job = await this.read(id);
    if (isFinal(job.state)) return job;
    const jobs = await this.front.open();
    try {
      return await jobs.ended(job.id, signal);
    } catch (error) {
      // A daemon that is ending says so: the next one has the task.
      await this.front.open();
      throw error;
    }
  }

  /** What the call would have been answered with that a task is which has ended. Throws what JSON cannot say. */
  async resultOf({ id, plugin, tool = DEFAULT_TOOL, stream, state, error }: Job): Promise<JsonObject> {
    if (state !== 'done' && error !== undefined) return failedResult(rebuiltError(error));
    const { result } = await (await this.front.open()).values(id);
    return stream ? resultOfStream(plugin, tool, result as readonly unknown[]) : resultOfTool(plugin, tool, result);
  }

  /** Rejects with −32602 for what is no cursor, and with `E_JOB_STORE`. */
  async list(cursor: unknown): Promise<TaskPage> {
    if (cursor !== undefined && typeof cursor !== 'string') throw noCursor();
    const jobs = await this.front.open();
    const found: Job[] = [];
    let next = cursor;
    for (let piece = 0; piece < MOST_PIECES && found.length < PAGE; piece += 1) {
      const looked = await jobs.list({ plugin: this.places.plugin, limit: PIECE, cursor: next }).catch(tellOfCursor);
      found.push(...looked.jobs.filter((job) => this.#sees(job)));
      next = looked.next;
      if (next === undefined) break;
    }
    return { jobs: found, next };
  }

  #sees(job: Job): boolean {
    return ttlOf(job) !== undefined && this.places.nameOf(job.plugin, job.tool ?? DEFAULT_TOOL) !== undefined;
  }
}

/** The store knows its cursors. */
function tellOfCursor(error: unknown): never {
  throw error instanceof GreenroomError && error.code === 'E_OPTIONS' ? noCursor() : error;
}

function noCursor(): RpcFailure {
  return invalidParams('"cursor" must be the "nextCursor" of the page before.');
}
