import type { ErrorMessage } from '../../sync/error-message.ts';
import type { History } from '../history.ts';
import type { Claim, Hint, JobStore } from '../job-store.ts';
import type { JobsToMove } from './jobs-to-move.ts';

/** What the host asks of the store's thread. */
export interface StoreRequest {
  readonly method: Exclude<keyof JobStore, 'onHint' | 'close'> | keyof JobsToMove;
  readonly args: readonly unknown[];
}

/** What became of a request. */
export type StoreAnswer = { readonly value: unknown } | { readonly error: ErrorMessage };

/** What the store's thread says: once that it is open or why not, then answers, a batch as it was asked, with hints. */
export type StoreMessage =
  | { readonly opened: true; readonly waiting: readonly string[] }
  | { readonly failed: ErrorMessage }
  | { readonly answers: readonly StoreAnswer[]; readonly hints: readonly Hint[] }
  | { readonly hints: readonly Hint[] }
  | { readonly closed: true };

/** What the host says to the store's thread: a batch, done in one transaction, or that it is to end. */
export type HostMessage = { readonly batch: readonly StoreRequest[] } | { readonly close: true };

/** What the store's thread starts with. */
export interface StoreThreadData {
  readonly folder: string;
  readonly history: History;
  /** What the program holds that starts it: all else that was taken goes back. */
  readonly held: readonly Claim[];
}
