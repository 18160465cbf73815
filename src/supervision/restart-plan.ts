import { EXIT_DO_NOT_RESTART } from '../protocol.ts';

/**
 * When a worker is restarted after it has ended: `permanent`, always; `transient`, unless it ended normally;
 * `temporary`, never. The words are those of Erlang's supervisors.
 */
export type RestartPolicy = 'permanent' | 'transient' | 'temporary';

/** The most restarts within a period that slides. */
export interface RestartLimit {
  readonly restarts: number;
  readonly periodMs: number;
}

/** How a plugin is restarted. */
export interface RestartSettings {
  readonly policy: RestartPolicy;
  /** All of them apply: a short one that stops a worker failing at once, a long one for a crash every few seconds. */
  readonly limits: readonly RestartLimit[];
  readonly backoff: {
    /** The longest delay before the first restart in a row. */
    readonly baseMs: number;
    /** By how much that grows with each further one. */
    readonly factor: number;
    /** The longest delay of all. */
    readonly maxMs: number;
  };
  /** How long a worker has to be ready for the next crash to be the first in a row again. */
  readonly stableMs: number;
}

/**
 * The settings of a plugin whose manifest states none. `transient`, because plugins are started when they are called:
 * one that ended of its own accord comes back with its next call, one that crashed is made ready for it.
 */
export const DEFAULT_RESTART: RestartSettings = {
  policy: 'transient',
  limits: [
    { restarts: 5, periodMs: 60_000 },
    { restarts: 20, periodMs: 3_600_000 },
  ],
  backoff: { baseMs: 100, factor: 2, maxMs: 30_000 },
  stableMs: 30_000,
};

/** The longest delay before another try after a shortage, in milliseconds: a try costs little, and shortages end unannounced. */
const MAX_SHORTAGE_DELAY_MS = 2_000;

/** How a worker ended. */
export interface WorkerEnd {
  /** The exit code; `null` when it was ended by a signal, was hung, or never ran. */
  readonly code: number | null;
  readonly signal: string | null;
  /** Whether it had been ready. One that ends before is a failed start, whatever its exit code. */
  readonly ready: boolean;
  /** Whether another try may do better: `false` for a missing program, a bad handshake, a config that is not valid. */
  readonly retryable: boolean;
  /** Whether there was no worker because the machine was short of something that comes back by itself. */
  readonly shortage?: boolean | undefined;
}

/** The restarts of one plugin so far. */
export interface RestartHistory {
  /** Restarts since the worker was last ready for long enough. */
  readonly inARow: number;
  /** When a restart was decided on, oldest first, in milliseconds by the monotonic clock; those that still count. */
  readonly times: readonly number[];
}

/** The history of a plugin that was never restarted, or was loaded by hand after it had been given up. */
export const NO_RESTARTS: RestartHistory = Object.freeze({ inARow: 0, times: Object.freeze([]) });

/** Why a plugin is given up, with what led to it. */
export interface GiveUpCause {
  readonly kind: 'not-retryable' | 'do-not-restart' | 'temporary' | 'too-many-restarts';
  readonly end: WorkerEnd;
  /** The limit that was reached, for `too-many-restarts`. */
  readonly limit?: RestartLimit | undefined;
  /** When the restarts that count against it were decided on; without a limit, all that are known. */
  readonly times: readonly number[];
}

/** What follows from the end of a worker. */
export type RestartPlan =
  | {
      readonly action: 'restart';
      /** In milliseconds. */
      readonly delayMs: number;
      readonly reason: 'ended-normally' | 'ended-abnormally' | 'shortage';
      readonly history: RestartHistory;
    }
  | { readonly action: 'stopped'; readonly reason: 'ended-normally'; readonly history: RestartHistory }
  | { readonly action: 'give-up'; readonly cause: GiveUpCause; readonly history: RestartHistory };

/**
 * Decides whether and when a worker that has ended is restarted. The delay is drawn evenly between zero and
 * `min(maxMs, baseMs · factor ^ inARow)`: exponential backoff with full jitter
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). A shortage says nothing of the plugin:
 * it counts against no limit.
 *
 * @param now milliseconds by the monotonic clock
 * @param random evenly distributed in [0, 1)
 */
export function planRestart({
  history,
  settings,
  end,
  now,
  random,
}: {
  readonly history: RestartHistory;
  readonly settings: RestartSettings;
  readonly end: WorkerEnd;
  readonly now: number;
  readonly random: number;
}): RestartPlan {
  const { policy, limits } = settings;
  const giveUp = (kind: GiveUpCause['kind'], times = history.times, limit?: RestartLimit): RestartPlan => ({
    action: 'give-up',
    cause: { kind, end, times, limit },
    history,
  });
  if (end.code === EXIT_DO_NOT_RESTART) return giveUp('do-not-restart');
  if (!end.retryable) return giveUp('not-retryable');
  if (end.shortage === true) {
    return {
      action: 'restart',
      delayMs: Math.floor(random * Math.min(MAX_SHORTAGE_DELAY_MS, longestDelay(settings, history.inARow))),
      reason: 'shortage',
      history: { ...history, inARow: history.inARow + 1 },
    };
  }
  const normal = end.code === 0 && end.ready;
  if (normal && policy !== 'permanent') return { action: 'stopped', reason: 'ended-normally', history };
  if (policy === 'temporary') return giveUp('temporary');
  for (const limit of limits) {
    const times = within(history.times, limit.periodMs, now);
    if (times.length >= limit.restarts) return giveUp('too-many-restarts', times, limit);
  }
  const longest = Math.max(0, ...limits.map((limit) => limit.periodMs));
  return {
    action: 'restart',
    delayMs: Math.floor(random * longestDelay(settings, history.inARow)),
    reason: normal ? 'ended-normally' : 'ended-abnormally',
    history: { inARow: history.inARow + 1, times: [...within(history.times, longest, now), now] },
  };
}

/** The history once the worker has been ready for `stableMs`: the backoff starts anew, the limits still count. */
export function resetHistory(history: RestartHistory): RestartHistory {
  return history.inARow === 0 ? history : { ...history, inARow: 0 };
}

/** The delay before the restart after so many in a row, in milliseconds, before it is drawn at random. */
export function longestDelay({ backoff }: RestartSettings, inARow: number): number {
  const grown = backoff.baseMs * backoff.factor ** inARow;
  // Zero times an overflow is not a number.
  return Number.isNaN(grown) ? 0 : Math.min(backoff.maxMs, grown);
}

function within(times: readonly number[], periodMs: number, now: number): readonly number[] {
  return times.filter((time) => time > now - periodMs);
}
