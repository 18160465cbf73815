import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { GreenroomError } from '../../errors.ts';
import { Listeners } from '../../events/listeners.ts';
import { makeFolder } from '../../files/make-folder.ts';
import { rebuildError } from '../../sync/error-message.ts';
import type { Hint, JobStore } from '../job-store.ts';
import type { History } from './job-table.ts';
import type { JobsToMove } from './jobs-to-move.ts';
import type { HostMessage, StoreAnswer, StoreMessage, StoreRequest, StoreThreadData } from './messages.ts';

// The programs of threads run from the build, as those of workers do.
const PROGRAM = fileURLToPath(new URL('../../../dist/jobs/embedded/store-thread.js', import.meta.url));

/** A request on its way. */
interface Pending {
  readonly request: StoreRequest;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** A store of jobs in a folder, and the plugins that had jobs waiting when it was opened. */
export interface OpenedStore {
  readonly store: EmbeddedStore;
  readonly waiting: readonly string[];
}

/**
 * Jobs in an SQLite database in a folder of one machine, which one program uses at a time. The database is in a thread of
 * its own. What is asked in one turn of the event loop, or while the thread is busy, is one transaction.
 */
export class EmbeddedStore implements JobStore {
  readonly #thread: Worker;
  readonly #hints: Listeners<Hint>;
  #asked: Pending[] = [];
  /** What the thread is at. */
  #sent: readonly Pending[] = [];
  #willSend = false;
  /** Why it answers no more. */
  #fault: Error | undefined;
  #closing: Promise<void> | undefined;
  #onClosed: () => void = () => {};

  private constructor(thread: Worker, onListenerError: (error: unknown) => void) {
    this.#thread = thread;
    this.#hints = new Listeners(onListenerError);
    thread.on('message', (message: StoreMessage) => this.#receive(message));
    thread.on('error', (error) => this.#fail(error));
    thread.on('exit', (status) => this.#fail(new Error(`its thread ended with status ${status}`)));
  }

  /**
   * Opens the store in a folder, which is made where it is missing; what was running when its last program ended waits
   * again. Rejects with `E_JOB_STORE`.
   */
  static async open(folder: string, history: History, onListenerError: (error: unknown) => void): Promise<OpenedStore> {
    try {
      makeFolder(folder, 0o700);
      if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is missing; do not bundle greenroom`);
    } catch (cause) {
      throw unusable(cause);
    }
    const workerData: StoreThreadData = { folder, history };
    const thread = new Worker(PROGRAM, { workerData, execArgv: [] });
    const waiting = await new Promise<readonly string[]>((resolve, reject) => {
      thread.once('message', (message: StoreMessage) => {
        if ('opened' in message) resolve(message.waiting);
        else if ('failed' in message) reject(rebuildError(message.failed));
      });
      thread.once('error', (error) => reject(unusable(error)));
      thread.once('exit', (status) => reject(unusable(new Error(`its thread ended with status ${status}`))));
    });
    // Only what is asked keeps the program alive.
    thread.unref();
    return { store: new EmbeddedStore(thread, onListenerError), waiting };
  }

  readonly add: JobStore['add'] = (jobs) => this.#ask('add', jobs);
  readonly take: JobStore['take'] = (wanted) => this.#ask('take', wanted);
  readonly begin: JobStore['begin'] = (begun) => this.#ask('begin', begun);
  readonly progress: JobStore['progress'] = (updates) => this.#ask('progress', updates);
  readonly settle: JobStore['settle'] = (ended) => this.#ask('settle', ended);
  readonly giveBack: JobStore['giveBack'] = (claims) => this.#ask('giveBack', claims);
  readonly requestCancel: JobStore['requestCancel'] = (ids, error) => this.#ask('requestCancel', ids, error);
  readonly get: JobStore['get'] = (ids) => this.#ask('get', ids);
  readonly list: JobStore['list'] = (filter, limit, cursor) => this.#ask('list', filter, limit, cursor);
  readonly values: JobStore['values'] = (id) => this.#ask('values', id);
  readonly retry: JobStore['retry'] = (ids) => this.#ask('retry', ids);
  readonly remove: JobStore['remove'] = (ids) => this.#ask('remove', ids);
  readonly place: JobStore['place'] = (id, priority, first) => this.#ask('place', id, priority, first);
  readonly pause: JobStore['pause'] = (plugins) => this.#ask('pause', plugins);
  readonly resume: JobStore['resume'] = (plugins) => this.#ask('resume', plugins);
  readonly paused: JobStore['paused'] = () => this.#ask('paused');
  readonly counts: JobStore['counts'] = () => this.#ask('counts');

  /** @internal As of `JobsToMove`. */
  toMove(seq: number): Promise<ReturnType<JobsToMove['toMove']>> {
    return this.#ask('toMove', seq);
  }

  /** @internal As of `JobsToMove`. */
  moved(ids: readonly string[]): Promise<void> {
    return this.#ask('moved', ids);
  }

  onHint(listener: (hint: Hint) => void): () => void {
    return this.#hints.add(listener);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#fault !== undefined) return;
    this.#thread.ref();
    await new Promise<void>((resolve) => {
      this.#onClosed = resolve;
      // Behind what was asked before.
      this.#flush();
      this.#thread.postMessage({ close: true } satisfies HostMessage, []);
    });
    await this.#thread.terminate();
  }

  #ask<Answer>(method: StoreRequest['method'], ...args: readonly unknown[]): Promise<Answer> {
    if (this.#closing !== undefined) return Promise.reject(closedError());
    if (this.#fault !== undefined) return Promise.reject(unusable(this.#fault));
    return new Promise<Answer>((resolve, reject) => {
      this.#asked.push({ request: { method, args }, resolve: resolve as (value: unknown) => void, reject });
      if (this.#willSend || this.#sent.length > 0) return;
      this.#willSend = true;
      setImmediate(() => {
        this.#willSend = false;
        if (this.#sent.length === 0) this.#flush();
      });
    });
  }

  #flush(): void {
    if (this.#asked.length === 0) return;
    this.#sent = [...this.#sent, ...this.#asked];
    const batch = this.#asked.map(({ request }) => request);
    this.#asked = [];
    this.#thread.ref();
    this.#thread.postMessage({ batch } satisfies HostMessage, []);
  }

  #receive(message: StoreMessage): void {
    if ('closed' in message) return this.#onClosed();
    if ('answers' in message) this.#settle(message.answers);
    if ('hints' in message) for (const hint of message.hints) this.#hints.notify(hint);
    return undefined;
  }

  #settle(answers: readonly StoreAnswer[]): void {
    const answered = this.#sent.slice(0, answers.length);
    this.#sent = this.#sent.slice(answers.length);
    for (const [index, { resolve, reject }] of answered.entries()) {
      const answer = answers[index] as StoreAnswer;
      if ('error' in answer) reject(rebuildError(answer.error));
      else resolve(answer.value);
    }
    if (this.#sent.length > 0) return;
    if (this.#asked.length > 0) this.#flush();
    else if (this.#closing === undefined) this.#thread.unref();
  }

  #fail(error: Error): void {
    if (this.#fault !== undefined) return;
    this.#fault = error;
    for (const { reject } of [...this.#sent, ...this.#asked]) reject(unusable(error));
    this.#sent = [];
    this.#asked = [];
    this.#onClosed();
  }
}

function unusable(cause: unknown): GreenroomError {
  const said = cause instanceof Error ? cause.message : String(cause);
  return new GreenroomError('E_JOB_STORE', `The store of jobs cannot be used: ${said}.`, { cause });
}

function closedError(): GreenroomError {
  return new GreenroomError('E_JOB_STORE', 'The jobs are closed. Open them again with openJobs().');
}
