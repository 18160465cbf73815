import type { GreenroomError } from '../errors.ts';

/** What `load` takes. */
export interface LoadOptions {
  /** The config; by default the one it had, else the defaults of its schema. */
  readonly config?: unknown;
  /** Gives up waiting; the load itself goes on. */
  readonly signal?: AbortSignal | undefined;
}

/** What became of one plugin in `loadAll` or `unloadAll`. */
export type Outcome = { readonly ok: true } | { readonly ok: false; readonly error: GreenroomError };
