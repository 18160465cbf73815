import type { MessagePort } from 'node:worker_threads';
import type { Progress } from '../calls/call-options.ts';
import type { SupervisorSettings } from '../settings/schema.ts';
import type { ErrorMessage } from './error-message.ts';
import type { ThreadMethods } from './thread-methods.ts';

/** The identifier of the reply that says whether the supervisor has started. */
export const START = 0;

/** What the caller asks of the supervisor's thread. The identifier keeps a late reply from being taken for another. */
export interface Request {
  readonly id: number;
  readonly method: keyof ThreadMethods;
  readonly args: readonly unknown[];
}

/** What the supervisor's thread answers: how far a call has come, then how the request ended. */
export type Reply =
  | { readonly id: number; readonly progress: Progress }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: ErrorMessage };

/** What the watcher says once it watches. */
export const WATCHING = 'watching';

/** How the supervisor's thread ended, as the watcher saw it. */
export interface Ending {
  readonly status: number;
  /** What ended it, if it did not end by itself. */
  readonly error: ErrorMessage | undefined;
}

/** What the supervisor's thread starts with. */
export interface SupervisorThreadData {
  /** Requests come here, and replies go. */
  readonly port: MessagePort;
  /** Rung after each reply: the caller sleeps on it. */
  readonly bell: Int32Array<SharedArrayBuffer>;
  readonly options: SupervisorSettings;
}

/** What the watcher's thread starts with. */
export interface WatcherData {
  /** The path of the program of the supervisor's thread. */
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
  readonly supervisor: SupervisorThreadData;
  /** That it watches goes here, and then the ending. */
  readonly port: MessagePort;
}
