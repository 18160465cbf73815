import { type AnyEventObject, fromCallback, fromPromise, setup } from 'xstate';
import type { CodeFault } from '../code/code-fault.ts';
import type { CodeNews, CodeReplacement } from '../code/code-news.ts';
import type { CodeChange } from '../code/code-watcher.ts';
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
  /** The files that have changed since a worker was last to read them, each with its content then. */
  readonly changed: ReadonlyMap<string, string | undefined>;
  /** The files that were handed to a worker which does not serve yet, or did not start. */
  readonly pending: ReadonlySet<string>;
  /** When the first change came that is not served yet, by the monotonic clock. */
  readonly since: number;
  /** How many changes there were since it was last quiet, and when the first of them came. */
  readonly burst: { readonly count: number; readonly since: number };
}

/** What the code machine is told. */
export type CodeEvent =
  /** A file that is followed has another content. */
  | ({ readonly type: 'CHANGED' } & CodeChange)
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
  guards: { unchanged: ({ context }) => context.changed.size === 0 },
  delays: {
    quiet: ({ context: { burst, clock } }) =>
      Math.max(
        0,
        Math.min(burst.count > 1 ? QUIET_MS.several : QUIET_MS.one, burst.since + LONGEST_MS - clock.monotonic()),
      ),
  },
});

/** The files that no worker serves as they are now. */
const filesOf = ({ changed, pending }: CodeContext): readonly string[] =>
  [...new Set([...changed.keys(), ...pending])].toSorted();

/** Tells what has come of the changes. */
const tell =
  (newsOf: (context: CodeContext, event: AnyEventObject) => CodeNews) =>
  ({ context, event }: { context: CodeContext; event: AnyEventObject }): void =>
    context.tell(newsOf(context, event));

/** Takes a change in. A file that is again as it was has not changed: one that is written anew is empty for a moment. */
const noteChange = base.assign(({ context, event }) => {
  if (event.type !== 'CHANGED') return {};
  const { burst, since, clock, pending } = context;
  const changed = new Map(context.changed);
  const { file, before, after } = event;
  if (!changed.has(file)) changed.set(file, before);
  else if (changed.get(file) === after) changed.delete(file);
  const now = clock.monotonic();
  return {
    changed,
    since: context.changed.size + pending.size === 0 ? now : since,
    burst: burst.count === 0 ? { count: 1, since: now } : { ...burst, count: burst.count + 1 },
  };
});
const endBurst = base.assign({ burst: { count: 0, since: 0 } });

/** A worker is about to read the files as they are. */
const handOver = base.assign(({ context }) => ({ changed: new Map(), pending: new Set(filesOf(context)) }));
const endPending = base.assign({ pending: new Set<string>() });

const onChange = { target: 'settling', actions: noteChange } as const;

/** When it is quiet: nothing has changed after all, or the changes are checked. */
const whenQuiet = (unchanged: string) =>
  ({
    quiet: [
      { guard: 'unchanged', target: unchanged, actions: endBurst },
      { target: '#code.checking', actions: endBurst },
    ],
  }) as const;

/**
 * The code of one plugin: followed, settling while it changes, checked, and then run by a new worker in place of the old
 * one. Where there is a fault, or the new worker does not start, the files stay those that are not served. A change while
 * the new worker starts begins anew, as that worker is out of date; not so one that the worker itself makes and takes back.
 */
export const codeMachine = base.createMachine({
  id: 'code',
  context: ({ input }) => ({
    ...input,
    changed: new Map(),
    pending: new Set(),
    since: 0,
    burst: { count: 0, since: 0 },
  }),
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
      after: whenQuiet('following'),
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
            actions: tell((context, event) => ({
              outcome: 'faulty',
              files: filesOf(context),
              fault: (event as unknown as { readonly output: CodeFault }).output,
            })),
          },
          { target: 'replacing' },
        ],
      },
      on: { CHANGED: onChange },
    },
    replacing: {
      entry: handOver,
      invoke: {
        src: 'replace',
        onDone: {
          target: 'settling',
          actions: [
            tell((context, event) => ({
              outcome: (event as unknown as { readonly output: CodeReplacement }).output,
              files: [...context.pending].toSorted(),
              tookMs: Math.round(context.clock.monotonic() - context.since),
            })),
            endPending,
          ],
        },
        onError: {
          target: 'settling',
          actions: tell((context, event) => ({
            outcome: 'failed',
            files: filesOf(context),
            reason: messageOf((event as unknown as { readonly error: unknown }).error),
          })),
        },
      },
      initial: 'starting',
      states: {
        starting: { on: { CHANGED: { target: 'stirred', actions: noteChange } } },
        stirred: {
          on: { CHANGED: { target: 'stirred', reenter: true, actions: noteChange } },
          after: whenQuiet('starting'),
        },
      },
    },
  },
});
