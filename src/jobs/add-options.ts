import { checkOptions, FLAG, isOptions, type OptionKind, wrongArgument } from '../argument-checks.ts';
import { ANY_NAME_RULE, isToolName } from '../tools/tool-name.ts';
import { MAX_KEY, MAX_TRIES } from './add-limits.ts';
import type { Backoff } from './job.ts';
import type { JobTerms } from './job-store.ts';

/** What `jobs.add` takes beside plugin and input. Times in milliseconds. */
export interface AddOptions {
  /** The name of the tool that is called; by default the plugin's `execute`. */
  readonly tool?: string | undefined;
  /** Higher goes first among the waiting jobs of a plugin; 0 by default. */
  readonly priority?: number | undefined;
  /** How many attempts the job may have, 3 by default; one after which nothing would change is the last. */
  readonly attempts?: number | undefined;
  /** How long a failed attempt is waited after; by default 1 s, then each time twice as long, at most 10 min. */
  readonly backoff?: { readonly [Part in keyof Backoff]?: Backoff[Part] | undefined } | undefined;
  /** How long the job waits before it may run; 0 by default. */
  readonly delayMs?: number | undefined;
  /** How long one attempt may take, waiting for a worker included; no limit by default. */
  readonly timeoutMs?: number | undefined;
  /** How long the job may wait for its first attempt before it fails with `E_TIMEOUT`; no limit by default. */
  readonly ttlMs?: number | undefined;
  /**
   * A name for the work: where the store has a job with this key, plugin, tool, input and `stream`, nothing is added, and that
   * job is meant. With others: `E_JOB`.
   */
  readonly key?: string | undefined;
  /** The jobs that must be done first. Where one fails or is cancelled, this one fails. */
  readonly after?: readonly (string | { readonly id: string })[] | undefined;
  /**
   * Whether the job must not begin a second time by itself: where its program ends while it runs, or an attempt fails, it
   * has failed. False by default.
   */
  readonly once?: boolean | undefined;
  /**
   * Whether the tool is called for its stream: the result is the list of its chunks, and each is progress. False by default:
   * it is called for its result, which a tool may have beside a stream.
   */
  readonly stream?: boolean | undefined;
}

/** How many jobs one job may come after. */
const MAX_AFTER = 1_000;

const TIME: OptionKind = {
  expected: 'a number of milliseconds from 0',
  fits: (value) => typeof value === 'number' && value >= 0 && value < Infinity,
};

const LIMIT: OptionKind = {
  expected: 'a number of milliseconds above 0, or Infinity for no limit',
  fits: (value) => typeof value === 'number' && value > 0,
};

const BACKOFF: Readonly<Record<keyof Backoff, OptionKind>> = {
  delayMs: TIME,
  factor: { expected: 'a number of at least 1', fits: (value) => Number.isFinite(value) && (value as number) >= 1 },
  maxMs: TIME,
};

const KINDS: Readonly<Record<keyof AddOptions, OptionKind>> = {
  tool: { expected: `the name of a tool, ${ANY_NAME_RULE}`, fits: isToolName },
  priority: { expected: 'a finite number', fits: Number.isFinite },
  attempts: {
    expected: `a whole number from 1 to ${MAX_TRIES}`,
    fits: (value) => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_TRIES,
  },
  backoff: { expected: 'an object with delayMs, factor and maxMs', fits: isOptions },
  delayMs: TIME,
  timeoutMs: LIMIT,
  ttlMs: LIMIT,
  key: {
    expected: `a text of 1 to ${MAX_KEY} characters`,
    fits: (value) => typeof value === 'string' && value !== '' && value.length <= MAX_KEY,
  },
  after: {
    expected: `a list of at most ${MAX_AFTER} jobs or their identifiers`,
    fits: (value) => Array.isArray(value) && value.length <= MAX_AFTER && value.every(isJobOrName),
  },
  once: FLAG,
  stream: FLAG,
};

function isJobOrName(value: unknown): boolean {
  return typeof value === 'string' || (isOptions(value) && typeof (value as { id?: unknown }).id === 'string');
}

/** Options with nothing left open. No limit is undefined. */
export interface CompleteAddOptions extends JobTerms {
  /** Names or identifiers. */
  readonly after: readonly string[];
}

/** Checks and completes the options of a job. Throws `E_OPTIONS`. */
export function completeAddOptions(plugin: string, options: AddOptions): CompleteAddOptions {
  if (typeof plugin !== 'string' || plugin === '') throw wrongArgument('The plugin of a job', 'a name', plugin);
  checkOptions('a job', options, KINDS, plugin);
  const { backoff = {}, once = false, timeoutMs, ttlMs } = options;
  checkOptions('the backoff of a job', backoff, BACKOFF, plugin);
  const { delayMs = 1_000, factor = 2, maxMs = Math.max(600_000, delayMs) } = backoff;
  return {
    tool: options.tool,
    priority: options.priority ?? 0,
    attempts: once ? 1 : (options.attempts ?? 3),
    backoff: { delayMs, factor, maxMs },
    delayMs: options.delayMs ?? 0,
    timeoutMs: timeoutMs === Infinity ? undefined : timeoutMs,
    ttlMs: ttlMs === Infinity ? undefined : ttlMs,
    key: options.key,
    after: (options.after ?? []).map((job) => (typeof job === 'string' ? job : job.id)),
    once,
    stream: options.stream,
  };
}
