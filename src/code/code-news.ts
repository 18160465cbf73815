import type { CodeFault } from './code-fault.ts';

/** What came of a change: a new worker serves, or the next start reads it, as there is no worker to replace. */
export type CodeReplacement = 'served' | 'next-start';

/** What the following of a plugin's code tells. Files are absolute paths, times are in milliseconds. */
export type CodeNews =
  /** They have changed: they are checked, and then a new worker takes the place of the old one. */
  | { readonly outcome: 'changed'; readonly files: readonly string[] }
  /** `tookMs` is counted from the first change that was seen. */
  | { readonly outcome: CodeReplacement; readonly files: readonly string[]; readonly tookMs: number }
  /** They were not run. A worker that serves goes on. */
  | { readonly outcome: 'faulty'; readonly files: readonly string[]; readonly fault: CodeFault }
  /** The new worker did not start. */
  | { readonly outcome: 'failed'; readonly files: readonly string[]; readonly reason: string }
  /** The system tells no events of a folder, which is read again and again instead. */
  | { readonly outcome: 'unwatched'; readonly files: readonly string[]; readonly reason: string };
