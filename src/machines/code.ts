import { type AnyEventObject, fromCallback, fromPromise, setup } from 'xstate';
import type { CodeFault } from '../code/code-fault.ts';
import type { CodeNews, CodeReplacement } from '../code/code-news.ts';
import { messageOf } from '../errors.ts';
import type { Clock } from '../time/clock.ts';

/** How long nothing may change before changes are looked at, in milliseconds: one file, or several, as of a checkout. */
const QUIET_MS = { one: 50, several: 150 } as const;

/** Changes are looked at after this long, in milliseconds, even if there are more and more of them. */
const LONGEST_MS = 1_000;

/** What the code machine is made for. */
export interface CodeInput {
  readonly clock: Pick<Clock, 'monotonic'>;
  tell(news: CodeNews): void;
}

/** What the code machine remembers. */
export interface CodeContext extends CodeInput {
  /** The files that have changed and were not replaced yet. */
  readonly changed: ReadonlySet<string>;
  /** How many of them have changed since it was last quiet. */
  readonly burst: number;
  /** When the first of them changed, by the monotonic clock. */
  readonly since: number;
}

/** What the code machine is told. */
export type CodeEvent =
  /** A file that is followed has another content. */
  | { readonly type: 'CHANGED'; readonly file: string }
  /** A folder cannot be watched. */
  | { readonly type: 'UNWATCHED'; readonly folder: string; readonly reason: string };

const unprovided = (): never => {
  throw new Error('The code machine needs its actors to be provided.');
};

const base = setup({
  types: { input: {} as CodeInput, context: {} as CodeContext, events: {} as CodeEvent },
  actors: {
    /** Follows the code that the plugin's worker has loaded. */
    follow: fromCallback<AnyEventObject>(unprovided),
    /** Resolves to what is wrong with files, as far as that can be seen without running them. */
    check: fromPromise<CodeFault | undefined, { files: readonly string[] }>(unprovided),
    /** Has a new worker take the place of the one that there is. Rejects with why it did not start. */
    replace: fromPromise<CodeReplacement>(unprovided),
  },
  delays: {
    quiet: ({ context: { burst, since, clock } }) =>
      Math.max(0, Math.min(burst > 1 ? QUIET_MS.several : QUIET_MS.one, since + LONGEST_MS - clock.monotonic())),
  },
});

const filesOf = ({ changed }: CodeContext): readonly string[] => [...changed].toSorted();

/** Tells what has come of the changes. */
const tell =
  (newsOf: (context: CodeContext, event: AnyEventObject) => CodeNews) =>
  ({ context, event }: { context: CodeContext; event: AnyEventObject }): void =>
    context.tell(newsOf(context, event));

/** A change begins a burst, and a burst the time until it is served; a fault that is mended later has a time of its own. */
const noteChange = base.assign(({ context, event }) => {
  if (event.type !== 'CHANGED') return {};
  const { changed, burst, since, clock } = context;
  return {
    changed: new Set([...changed, event.file]),
    burst: burst + 1,
    since: burst === 0 ? clock.monotonic() : since,
  };
});
const endBurst = base.assign({ burst: 0 });
const forgetChanges = base.assign({ changed: new Set<string>(), burst: 0 });

const onChange = { target: 'settling', actions: noteChange } as const;

/**
 * The code of one plugin: followed, settling while it changes, checked, and then run by a new worker in place of the old
 * one. A fault leaves the old worker, and the change stays one that is still to be replaced. A change while the new worker
 * starts begins anew: that worker is out of date.
 */
export const codeMachine = base.createMachine({
  id: 'code',
  context: ({ input }) => ({ ...input, changed: new Set(), burst: 0, since: 0 }),
  invoke: { src: 'follow' },
  initial: 'following',
  on: {
    UNWATCHED: {
      actions: ({ context, event: { folder, reason } }) =>
        context.tell({ outcome: 'unwatched', files: [folder], reason }),
    },
  },
  states: {
    following: { on: { CHANGED: onChange } },
    settling: {
      on: { CHANGED: { ...onChange, reenter: true } },
      after: { quiet: 'checking' },
    },
    checking: {
      entry: tell((context) => ({ outcome: 'changed', files: filesOf(context) })),
      invoke: {
        src: 'check',
        input: ({ context }) => ({ files: filesOf(context) }),
        onDone: [
          {
            guard: ({ event }) => event.output !== undefined,
            target: 'following',
            actions: [
              tell((context, event) => ({
                outcome: 'faulty',
                files: filesOf(context),
                fault: (event as unknown as { readonly output: CodeFault }).output,
              })),
              endBurst,
            ],
          },
          { target: 'replacing' },
        ],
      },
      on: { CHANGED: onChange },
    },
    replacing: {
      invoke: {
        src: 'replace',
        onDone: {
          target: 'following',
          actions: [
            tell((context, event) => ({
              outcome: (event as unknown as { readonly output: CodeReplacement }).output,
              files: filesOf(context),
              tookMs: Math.round(context.clock.monotonic() - context.since),
            })),
            forgetChanges,
          ],
        },
        onError: {
          target: 'following',
          actions: [
            tell((context, event) => ({
              outcome: 'failed',
              files: filesOf(context),
              reason: messageOf((event as unknown as { readonly error: unknown }).error),
            })),
            endBurst,
          ],
        },
      },
      on: { CHANGED: onChange },
    },
  },
});
