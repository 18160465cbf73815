import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { GreenroomError } from '../../errors.ts';
import { makeFolder } from '../../files/make-folder.ts';
import { rebuildError } from '../../sync/error-message.ts';
import type { StoreMessage, StoreThreadData } from './messages.ts';

// The programs of threads run from the build, as those of workers do.
const PROGRAM = fileURLToPath(new URL('../../../dist/jobs/embedded/store-thread.js', import.meta.url));

/** A thread in which a store is open, and the plugins that have jobs waiting in it. */
export interface OpenedThread {
  readonly thread: Worker;
  readonly waiting: readonly string[];
}

/** Opens a store in a thread of its own, which alone does not keep the program alive. Rejects with `E_JOB_STORE`. */
export async function openThread(workerData: StoreThreadData): Promise<OpenedThread> {
  try {
    makeFolder(workerData.folder, 0o700);
    if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is missing; do not bundle greenroom`);
  } catch (cause) {
    throw unusable(cause);
  }
  const thread = new Worker(PROGRAM, { workerData, execArgv: [] });
  const waiting = await new Promise<readonly string[]>((resolve, reject) => {
    thread.once('message', (message: StoreMessage) => {
      if ('opened' in message) resolve(message.waiting);
      else if ('failed' in message) reject(rebuildError(message.failed));
    });
    thread.once('error', (error) => reject(unusable(error)));
    thread.once('exit', (status) => reject(unusable(endOf(status))));
  });
  thread.unref();
  return { thread, waiting };
}

/** Why a thread is there no more. */
export function endOf(status: number): Error {
  return new Error(`its thread ended with status ${status}`);
}

/** @param next what to do about it, a sentence */
export function unusable(cause: unknown, next = ''): GreenroomError {
  const said = cause instanceof Error ? cause.message : String(cause);
  const text = cause instanceof GreenroomError ? said : `The store of jobs cannot be used: ${said}.`;
  return new GreenroomError('E_JOB_STORE', next === '' ? text : `${text} ${next}`, { cause });
}
