import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { GreenroomError, messageOf } from '../../errors.ts';
import { Listeners } from '../../events/listeners.ts';
import { rebuildError } from '../../sync/error-message.ts';
import { durationText } from '../../text/duration-text.ts';
import type { History } from '../history.ts';
import { withNothingDone } from '../job-errors.ts';
import type { Claim, Hint, JobStore } from '../job-store.ts';
import { foreignCursor, isNumberCursor } from '../list-options.ts';
import { pageOfText } from './job-rows.ts';
import type { JobsToMove } from './jobs-to-move.ts';
import type { HostMessage, StoreAnswer, StoreMessage, StoreRequest } from './messages.ts';
import { endOf, openThread, unusable } from './open-thread.ts';
import { Reopening } from './reopening.ts';

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

/** The thread of a store has ended, or another one has the store, in which these plugins have jobs waiting. */
export type ThreadChange =
  | { readonly kind: 'ended'; readonly error: GreenroomError }
  | { readonly kind: 'opened'; readonly waiting: readonly string[] };

const MAY_BE_DONE = 'What was asked last may have been done.';

/**
 * Jobs in an SQLite database in a folder of one machine, which one program uses at a time. The database is in a thread of
 * its own. What is asked in one turn of the event loop, or while the thread is busy, is one transaction.
 *
 * A thread that ends is begun again, a while later each time, for as long as the store is open. Until then everything is
 * refused with `E_JOB_STORE`. The program that took a job goes on with it all that time: what it has taken stays in its
 * hands, and that it has begun is said to the next thread.
 */
export class EmbeddedStore implements JobStore {
  readonly #folder: string;
  readonly #history: History;
  readonly #hints: Listeners<Hint>;
  readonly #threads: Listeners<ThreadChange>;
  readonly #reopening = new Reopening();
  /** What was taken, and neither settled nor given back: the claims by the identifiers of their jobs. */
  readonly #held = new Map<string, number>();
  readonly #closed = new AbortController();
  #thread: Worker;
  #openedAt = performance.now();
  #asked: Pending[] = [];
  /** What the thread is at. */
  #sent: readonly Pending[] = [];
  #willSend = false;
  /** What the thread has ended with; it ends for certain. */
  #error: Error | undefined;
  /** Why nothing is answered. */
  #fault: GreenroomError | undefined;
  /** The way to another thread. */
  #returning: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #onClosed: () => void = () => {};

  private constructor(folder: string, history: History, thread: Worker, onListenerError: (error: unknown) => void) {
    this.#folder = folder;
    this.#history = history;
    this.#hints = new Listeners(onListenerError);
    this.#threads = new Listeners(onListenerError);
    this.#thread = thread;
    this.#use(thread);
  }

  /**
   * Opens the store in a folder, which is made where it is missing; what was running when its last program ended waits
   * again. Rejects with `E_JOB_STORE`.
   */
  static async open(folder: string, history: History, onListenerError: (error: unknown) => void): Promise<OpenedStore> {
    const { thread, waiting } = await openThread({ folder, history, held: [] });
    return { store: new EmbeddedStore(folder, history, thread, onListenerError), waiting };
  }

  readonly add: JobStore['add'] = (jobs) => this.#ask('add', jobs);
  readonly take: JobStore['take'] = async (wanted) => {
    const taken = await this.#ask<Awaited<ReturnType<JobStore['take']>>>('take', wanted);
    for (const { id, claim } of taken) this.#held.set(id, claim);
    return taken;
  };
  readonly begin: JobStore['begin'] = async (begun) => {
    const at = performance.now();
    for (;;) {
      const told = begun.map((each) => ({ ...each, agoMs: performance.now() - at }));
      const error = await this.#ask('begin', told).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (error === undefined) return;
      // One that may run only once has not begun then. Of the others, what is said twice changes nothing.
      const isLost = this.#fault !== undefined && this.#closing === undefined && begun.every(({ once }) => !once);
      if (!isLost) throw error;
      await this.#returning;
    }
  };
  readonly progress: JobStore['progress'] = (updates) => this.#ask('progress', updates);
  readonly settle: JobStore['settle'] = async (ended) => {
    const found = await this.#ask<Awaited<ReturnType<JobStore['settle']>>>('settle', ended);
    this.#letGo(ended);
    return found;
  };
  readonly giveBack: JobStore['giveBack'] = async (claims) => {
    await this.#ask('giveBack', claims);
    this.#letGo(claims);
  };
  readonly requestCancel: JobStore['requestCancel'] = (ids, error) => this.#ask('requestCancel', ids, error);
  readonly get: JobStore['get'] = (ids) => this.#ask('get', ids);
  readonly list: JobStore['list'] = async (filter, limit, cursor) => {
    if (cursor !== undefined && !isNumberCursor(cursor)) throw foreignCursor(cursor);
    return pageOfText(await this.#ask<string>('list', filter, limit, cursor), limit);
  };
  readonly values: JobStore['values'] = (id) => this.#ask('values', id);
  readonly retry: JobStore['retry'] = (ids) => this.#ask('retry', ids);
  readonly remove: JobStore['remove'] = (ids) => this.#ask('remove', ids);
  readonly place: JobStore['place'] = (id, priority, first) => this.#ask('place', id, priority, first);
  readonly pause: JobStore['pause'] = (plugins) => this.#ask('pause', plugins);
  readonly resume: JobStore['resume'] = (plugins) => this.#ask('resume', plugins);
  readonly paused: JobStore['paused'] = () => this.#ask('paused');
  readonly counts: JobStore['counts'] = () => this.#ask('counts');

  /** @internal As of `JobsToMove`. */
  openInOrder(): Promise<readonly string[]> {
    return this.#ask('openInOrder');
  }

  /** @internal As of `JobsToMove`. */
  toMove(ids: readonly string[]): Promise<ReturnType<JobsToMove['toMove']>> {
    return this.#ask('toMove', ids);
  }

  /** @internal As of `JobsToMove`. */
  moved(ids: readonly string[]): Promise<void> {
    return this.#ask('moved', ids);
  }

  onHint(listener: (hint: Hint) => void): () => void {
    return this.#hints.add(listener);
  }

  /** Calls back when the thread has ended, and when another one has the store. Returns how to stop. */
  onThread(listener: (change: ThreadChange) => void): () => void {
    return this.#threads.add(listener);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#closed.abort();
    await this.#returning;
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

  #letGo(claims: readonly Claim[]): void {
    for (const { id, claim } of claims) if (this.#held.get(id) === claim) this.#held.delete(id);
  }

  #ask<Answer>(method: StoreRequest['method'], ...args: readonly unknown[]): Promise<Answer> {
    if (this.#closing !== undefined) return Promise.reject(closedError());
    if (this.#fault !== undefined) return Promise.reject(this.#fault);
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
      if ('error' in answer) reject(withNothingDone(rebuildError(answer.error)));
      else resolve(answer.value);
    }
    if (this.#sent.length > 0) return;
    if (this.#asked.length > 0) this.#flush();
    else if (this.#closing === undefined) this.#thread.unref();
  }

  #use(thread: Worker): void {
    this.#thread = thread;
    this.#openedAt = performance.now();
    this.#error = undefined;
    this.#fault = undefined;
    thread.on('message', (message: StoreMessage) => this.#receive(message));
    thread.on('error', (error) => (this.#error = error));
    // By then everything that it had said was received, and its lock is gone.
    thread.on('exit', (status) => this.#leave(this.#error ?? endOf(status)));
  }

  #leave(error: Error): void {
    const waitMs = this.#closing === undefined ? this.#reopening.next(performance.now() - this.#openedAt) : 0;
    this.#fault = withNothingDone(unusable(error, againIn(waitMs)));
    const fault = unusable(error, `${againIn(waitMs)} ${MAY_BE_DONE}`);
    for (const { reject } of this.#sent) reject(fault);
    for (const { reject } of this.#asked) reject(this.#fault);
    this.#sent = [];
    this.#asked = [];
    this.#onClosed();
    if (this.#closing !== undefined) return;
    this.#returning = this.#return(waitMs);
    this.#threads.notify({ kind: 'ended', error: this.#fault });
  }

  /** Begins another thread, in as many attempts as it takes. Never rejects. */
  async #return(firstMs: number): Promise<void> {
    const { signal } = this.#closed;
    let said: string | undefined;
    for (let waitMs = firstMs; ; ) {
      await delay(waitMs, undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return;
      try {
        const held = [...this.#held].map(([id, claim]) => ({ id, claim }));
        const { thread, waiting } = await openThread({ folder: this.#folder, history: this.#history, held });
        this.#use(thread);
        this.#threads.notify({ kind: 'opened', waiting });
        return;
      } catch (error) {
        waitMs = this.#reopening.next(0);
        this.#fault = withNothingDone(unusable(error, againIn(waitMs)));
        // Once for each cause, whatever number of times.
        if (messageOf(error) !== said) this.#threads.notify({ kind: 'ended', error: this.#fault });
        said = messageOf(error);
      }
    }
  }
}

function againIn(waitMs: number): string {
  return `It is opened again by itself within ${durationText(waitMs)}: try again then.`;
}

function closedError(): GreenroomError {
  return withNothingDone(new GreenroomError('E_JOB_STORE', 'The jobs are closed. Open them again with openJobs().'));
}
