import type { InstanceEvent, TransitionEvent } from '../../runtime/supervisor-events.ts';
import type { Decision } from '../../scheduler/decision.ts';

/** A figure that was measured during the demo. */
export interface Timing {
  readonly what: string;
  readonly ms: number;
  readonly note: string;
}

/** What is left of the demo when it is over; everything should be 0. */
export interface Leftovers {
  readonly processes: number;
  readonly sockets: number;
  readonly files: number;
}

/** The outcome of a whole demo. */
export interface Summary {
  readonly type: 'summary';
  /** The exit status. */
  readonly status: number;
  readonly seconds: number;
  readonly documents: { readonly files: number; readonly bytes: number; readonly leftOut: number };
  /** Calls that did what they were asked for. */
  readonly results: number;
  /** Hits of all searches. */
  readonly hits: number;
  /** Groups of near-duplicates. */
  readonly groups: number;
  /** The plugins that could not be shown, and `jobs` where these could not. */
  readonly missing: readonly string[];
  readonly timings: readonly Timing[];
  readonly left: Leftovers;
}

/** Something that happens in the demo. With `--json` each is a line. */
export type DemoEvent =
  | {
      readonly type: 'start';
      readonly root: string;
      readonly files: number;
      readonly bytes: number;
      readonly leftOut: number;
      readonly scanned: boolean;
    }
  /** A part of the demo begins: what it shows, why that matters, and whose progress is the one to watch. */
  | { readonly type: 'act'; readonly title: string; readonly why: string; readonly star?: string | undefined }
  | { readonly type: 'note'; readonly text: string }
  /** The inspector is served at this address. */
  | { readonly type: 'inspector'; readonly url: string }
  | {
      readonly type: 'plugin';
      readonly plugin: string;
      readonly version: string;
      readonly worker: string;
      readonly description: string;
    }
  | ({ readonly type: 'transition'; readonly pid: number | undefined } & Omit<TransitionEvent, 'at'>)
  /** Of plugins that may have several instances: one of them has changed its state. */
  | ({ readonly type: 'instance'; readonly pid: number | undefined } & Omit<InstanceEvent, 'at'>)
  /** Another worker serves from now on. */
  | { readonly type: 'replaced'; readonly plugin: string; readonly pid: number; readonly former: number }
  | { readonly type: 'progress'; readonly plugin: string; readonly progress: number; readonly message: string }
  /** A worker is killed; `progress` is how far its call was, where it was at one. */
  | { readonly type: 'killed'; readonly plugin: string; readonly pid: number; readonly progress: number | undefined }
  /** A program that has plugins run jobs was started, or is killed; `done` of its jobs are done by then. */
  | {
      readonly type: 'program';
      readonly did: 'start' | 'kill';
      readonly pid: number | undefined;
      readonly jobs: number;
      readonly done: number;
    }
  /** A crashed plugin is started again, after a wait that was drawn from up to `longestMs`. */
  | {
      readonly type: 'restart';
      readonly plugin: string;
      readonly attempt: number;
      readonly waitedMs: number;
      readonly longestMs: number;
    }
  /** Which plugin was evicted for which, and why; `lines` says so for people. */
  | { readonly type: 'decision'; readonly decision: Decision; readonly lines: readonly string[] }
  | { readonly type: 'cancelled'; readonly plugin: string; readonly progress: number }
  | { readonly type: 'edited'; readonly plugin: string; readonly file: string; readonly change: string }
  /** A call ended with an error, as it was meant to. */
  | { readonly type: 'error'; readonly plugin: string; readonly code: string; readonly message: string }
  | {
      readonly type: 'result';
      readonly plugin: string;
      readonly action: string;
      readonly ms: number;
      readonly text: string;
      readonly data: unknown;
    }
  | {
      readonly type: 'hit';
      readonly query: string;
      readonly rank: number;
      readonly path: string;
      readonly title: string;
      /** With the words that were found in brackets. */
      readonly snippet: string;
    }
  /** Two files that are nearly or wholly the same; `similarity` is 0 to 1. */
  | { readonly type: 'pair'; readonly similarity: number; readonly paths: readonly [string, string] }
  /** A part is left out because something is not installed. */
  | { readonly type: 'missing'; readonly plugin: string; readonly reason: string; readonly remedy: string }
  | Summary;

/** Shows what happens; `at` is milliseconds since the demo began. */
export type Reporter = (event: DemoEvent, at: number) => void;
