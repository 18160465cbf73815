import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { z } from 'zod';
import type { Transport } from '../process/socket-directory.ts';
import { isOptions } from '../argument-checks.ts';
import { shown } from '../text/shown.ts';
import { DEFAULT_MAX_WAITING } from '../calls/lease-gate.ts';
import { GreenroomError, messageOf } from '../errors.ts';
import { readText } from '../files/file-text.ts';
import { frozen } from '../json/frozen.ts';
import { isDeeperThan, MAX_LEVELS } from '../json/json-depth.ts';
import { jsonFaults } from '../json/json-text.ts';
import { DEFAULT_MAX_SCHEDULER_WAITING } from '../scheduler/admission.ts';
import {
  EVICTION_ORDERS,
  type EvictionOrderName,
  POLICY_NAMES,
  type PolicyName,
} from '../scheduler/policies/policies.ts';
import type { Policy } from '../scheduler/policies/policy.ts';
import { DEFAULT_MAX_WAIT_MS } from '../scheduler/policies/queue.ts';
import { zodMessages } from '../text/zod-messages.ts';
import { workingDirectory } from '../files/working-directory.ts';

const milliseconds = z.number().int().nonnegative();

const idleMilliseconds = z.custom<number>(
  (value) => value === Infinity || (Number.isSafeInteger(value) && (value as number) > 0),
  { error: mustBe('a whole number of milliseconds above 0, or Infinity for no limit') },
);

const restartSchema = z.strictObject({
  /** `permanent`: always; `transient`: unless it ended normally; `temporary`: never. */
  policy: z.enum(['permanent', 'transient', 'temporary']).optional(),
  /** How many restarts within `periodMs` are borne before the plugin is given up. */
  intensity: z.number().int().nonnegative().optional(),
  periodMs: milliseconds.optional(),
  /** The wait before the n-th restart in a row is a random part of min(cap, base × factor^n). */
  backoff: z
    .strictObject({
      baseMs: milliseconds.optional(),
      factor: z.number().min(1).optional(),
      capMs: milliseconds.optional(),
    })
    .optional(),
});

const livenessSchema = z.union([
  z.literal(false),
  z.strictObject({ intervalMs: milliseconds.min(1).optional(), timeoutMs: milliseconds.min(1).optional() }),
]);

const amount = z.number().nonnegative();

const policySchema = z.custom<PolicyName | Policy>(
  (value) =>
    POLICY_NAMES.some((name) => name === value) ||
    (typeof value === 'object' && value !== null && 'decide' in value && typeof value.decide === 'function'),
  `must be ${POLICY_NAMES.map((name) => `"${name}"`).join(', ')}, or an object with decide()`,
);

/** What may stand in `greenroom.json`, and is the data part of the options in code. */
const settingsSchema = z.strictObject({
  $schema: z.string().optional(),
  searchPaths: z.array(z.string().min(1)).optional(),
  dataDir: z.string().min(1).optional(),
  policy: policySchema.optional(),
  capacity: z
    .strictObject({
      vramMb: amount.optional(),
      gpus: z.record(z.string().min(1), amount).optional(),
      ramMb: amount.optional(),
      slots: z.number().int().positive().optional(),
    })
    .optional(),
  order: z.enum(EVICTION_ORDERS).optional(),
  maxWaitMs: milliseconds.optional(),
  maxSchedulerWaiting: z.number().int().positive().optional(),
  watch: z.union([z.boolean(), z.literal('poll')], { error: 'must be true, false or "poll"' }).optional(),
  pollMs: milliseconds.min(1).optional(),
  load: z.enum(['lazy', 'explicit']).optional(),
  transport: z.enum(['unix', 'tcp']).optional(),
  passEnv: z.array(z.string().min(1)).optional(),
  nodePath: z.string().min(1).optional(),
  startTimeoutMs: milliseconds.optional(),
  drainTimeoutMs: milliseconds.optional(),
  stopTimeoutMs: milliseconds.optional(),
  cancelGraceMs: milliseconds.optional(),
  streamIdleMs: idleMilliseconds.optional(),
  maxWaiting: z.number().int().positive().optional(),
  liveness: livenessSchema.optional(),
  restart: restartSchema.optional(),
  handleSignals: z.boolean().optional(),
  inspect: z
    .union([
      z.boolean(),
      z.strictObject({ port: z.number().int().min(0).max(65_535).optional(), control: z.boolean().optional() }),
    ])
    .optional(),
  unref: z.boolean().optional(),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).optional(),
});

const METHODS_OF_LOGGERS = ['info', 'warn', 'error', 'fatal'];

const METHODS_OF_CLOCKS = ['now', 'monotonic', 'setTimeout', 'clearTimeout'];

/** What only a program can give, and neither a file nor the environment. */
const programSchema = z.looseObject(
  {
    logger: port((value) => hasMethods(value, METHODS_OF_LOGGERS), 'a pino logger'),
    clock: port((value) => hasMethods(value, METHODS_OF_CLOCKS), `an object with ${METHODS_OF_CLOCKS.join('(), ')}()`),
    random: port((value) => typeof value === 'function', 'a function'),
    observer: port(isObserver, 'a function, or an object with next()'),
  },
  { error: mustBe('an object') },
);

function port(fits: (value: unknown) => boolean, expected: string) {
  return z.custom(fits, { error: mustBe(expected) }).optional();
}

function mustBe(expected: string): (issue: { readonly input?: unknown }) => string {
  return ({ input }) => `must be ${expected}, got ${shown(input)}`;
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  return isOptions(value) && names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');
}

/** As those of tools for XState, an object may leave out what it does not want to be told. */
function isObserver(value: unknown): boolean {
  if (typeof value === 'function') return true;
  return isOptions(value) && (!('next' in value) || value.next === undefined || typeof value.next === 'function');
}

/** How crashed workers are restarted unless their manifest says otherwise. */
export type RestartOptions = z.input<typeof restartSchema>;

/** How the inspector is served. */
export interface InspectSettings {
  /** Default: any that is free. */
  readonly port?: number | undefined;
  /** Whether plugins may be loaded, released, restarted, cancelled and reset from the page. Default false. */
  readonly control?: boolean | undefined;
}

/** The most that plugins may take up together. What is left out is not limited. */
export interface Capacity {
  /** GPU memory, in MiB, of all GPUs together. */
  readonly vramMb?: number | undefined;
  /**
   * Memory of each GPU that is to be used, in MiB, by its UUID as `nvidia-smi -L` names it. Default: where the machine
   * has several, all that the host sees, with all of their memory.
   */
  readonly gpus?: Readonly<Record<string, number>> | undefined;
  /** System memory, in MiB. */
  readonly ramMb?: number | undefined;
  /** Worker processes. */
  readonly slots?: number | undefined;
}

/**
 * What may be set for a supervisor. Where an option is absent the environment is asked, then `greenroom.json` in the
 * working directory, then the default counts.
 */
export interface SupervisorSettings {
  /** Folders of manifests, the most important first. Default: `.greenroom/plugins` here, `plugins` in the data directory. */
  readonly searchPaths?: readonly string[] | undefined;
  /** Where logs and the user's plugins lie. Default: `$GREENROOM_HOME`, else `~/.greenroom`. */
  readonly dataDir?: string | undefined;
  /**
   * Who gets room to run: `permissive` gives it to everybody, `safety` refuses what does not fit, `queue` lets it wait;
   * or a policy of your own. Default `queue` with a capacity, else `permissive`.
   */
  readonly policy?: PolicyName | Policy | undefined;
  /** How much room there is. Default: no limit. */
  readonly capacity?: Capacity | undefined;
  /** Who goes first when room is made. Default `lru`; `cost-aware` weighs what it costs to load again. */
  readonly order?: EvictionOrderName | undefined;
  /** After how long a plugin that waits for room is passed over no more, under `queue`. Default 30 s. */
  readonly maxWaitMs?: number | undefined;
  /** How many plugins may wait for room. Default 1,000. */
  readonly maxSchedulerWaiting?: number | undefined;
  /**
   * Whether changes of manifests on disk are followed. Default true: by the system's events, and where there are none,
   * as on network file systems, by looking every `pollMs`; `poll`: by looking alone.
   */
  readonly watch?: boolean | 'poll' | undefined;
  /** How long after one look at the manifests the next one comes, where they are followed so. Default 2 s. */
  readonly pollMs?: number | undefined;
  /** `lazy`, the default: the first call loads; `explicit`: only `load` does. */
  readonly load?: 'lazy' | 'explicit' | undefined;
  /** How workers are reached. Default: Unix sockets, TCP on the loopback address where they are not to be had. */
  readonly transport?: Transport | undefined;
  /** Names or patterns (`HF_*`) of environment variables that every worker gets besides the allowlist. */
  readonly passEnv?: readonly string[] | undefined;
  /**
   * The Node that runs Node plugins: a path, or a name to be looked for on `PATH`. Default: the one that runs this program,
   * which in an Electron application is the application itself, as Node.
   */
  readonly nodePath?: string | undefined;
  /** From spawn to ready. Default 30 s; 5 min for workers of the older system. */
  readonly startTimeoutMs?: number | undefined;
  /** For calls to end before their worker is taken away. Default 10 s. */
  readonly drainTimeoutMs?: number | undefined;
  /** For `/cleanup`, and again between SIGTERM and SIGKILL. Default 5 s. */
  readonly stopTimeoutMs?: number | undefined;
  /** How long a worker may take to give up a cancelled call before it is replaced. Default 5 s. */
  readonly cancelGraceMs?: number | undefined;
  /**
   * How long the reader of a stream may ask for nothing while items wait, before the call is cancelled and its lease
   * returned. Default 10 min; `Infinity`: no limit.
   */
  readonly streamIdleMs?: number | undefined;
  /** How many calls may wait for one plugin. Default 1,000. */
  readonly maxWaiting?: number | undefined;
  /** How often workers are asked whether they are alive, and how long they may take. Default 10 s each; false: never. */
  readonly liveness?:
    | false
    | { readonly intervalMs?: number | undefined; readonly timeoutMs?: number | undefined }
    | undefined;
  readonly restart?: RestartOptions | undefined;
  /** Whether SIGINT, SIGTERM and SIGHUP stop the supervisor. Default false: an embedding program handles its own signals. */
  readonly handleSignals?: boolean | undefined;
  /**
   * Whether the inspector is served, on 127.0.0.1 alone; its address, with the token, is `supervisor.inspector.url`.
   * `port`: by default any that is free; `control`: whether plugins may be acted on from the page. Default false.
   */
  readonly inspect?: boolean | InspectSettings | undefined;
  /** Whether the program may end while the supervisor runs and none of its plugins is at anything. Default false. */
  readonly unref?: boolean | undefined;
  /** The level of the supervisor's own log on standard error. Default `warn`. */
  readonly logLevel?: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent' | undefined;
}

/** The settings with nothing left open. Times in milliseconds. */
export interface ResolvedSettings {
  readonly searchPaths: readonly string[];
  readonly dataDir: string;
  readonly policy: PolicyName | Policy;
  readonly capacity: Capacity;
  readonly order: EvictionOrderName;
  readonly maxWaitMs: number;
  readonly maxSchedulerWaiting: number;
  readonly watch: boolean | 'poll';
  readonly pollMs: number;
  readonly load: 'lazy' | 'explicit';
  readonly transport: Transport;
  readonly passEnv: readonly string[];
  readonly nodePath: string | undefined;
  /** `undefined`: as long as its kind of worker may take. */
  readonly startTimeoutMs: number | undefined;
  readonly drainTimeoutMs: number;
  readonly stopTimeoutMs: number;
  readonly cancelGraceMs: number;
  readonly streamIdleMs: number;
  readonly maxWaiting: number;
  readonly liveness: false | { readonly intervalMs?: number | undefined; readonly timeoutMs?: number | undefined };
  readonly restart: RestartOptions;
  readonly handleSignals: boolean;
  readonly inspect: false | InspectSettings;
  readonly unref: boolean;
  readonly logLevel: NonNullable<SupervisorSettings['logLevel']>;
}

/** Where settings are looked for beside the options. */
export interface SettingsSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** Completes the options of a supervisor. Throws `E_OPTIONS` naming the setting, where it stands, and what is wrong. */
export function resolveSettings(
  options: SupervisorSettings,
  sources: SettingsSources = { env: process.env, cwd: workingDirectory() },
): ResolvedSettings {
  const { env, cwd } = sources;
  const file = join(cwd, 'greenroom.json');
  const merged: SupervisorSettings = {
    ...check(readSettingsFile(file), file),
    ...check(fromEnvironment(env), 'the environment', variableOf),
    ...definedOnly(check(options, OPTIONS)),
  };
  const dataDir = resolve(cwd, expandHome(merged.dataDir ?? '~/.greenroom'));
  return {
    // These two are shown by `status()`.
    searchPaths: frozen(
      (merged.searchPaths ?? ['.greenroom/plugins', join(dataDir, 'plugins')]).map((path) =>
        resolve(cwd, expandHome(path)),
      ),
    ),
    dataDir,
    policy: merged.policy ?? (isLimited(merged.capacity) ? 'queue' : 'permissive'),
    capacity: frozen(merged.capacity ?? {}),
    order: merged.order ?? 'lru',
    maxWaitMs: merged.maxWaitMs ?? DEFAULT_MAX_WAIT_MS,
    maxSchedulerWaiting: merged.maxSchedulerWaiting ?? DEFAULT_MAX_SCHEDULER_WAITING,
    watch: merged.watch ?? true,
    pollMs: merged.pollMs ?? 2_000,
    load: merged.load ?? 'lazy',
    transport: merged.transport ?? (process.platform === 'win32' ? 'tcp' : 'unix'),
    passEnv: merged.passEnv ?? [],
    nodePath: merged.nodePath === undefined ? undefined : programPath(cwd, merged.nodePath),
    startTimeoutMs: merged.startTimeoutMs,
    drainTimeoutMs: merged.drainTimeoutMs ?? 10_000,
    stopTimeoutMs: merged.stopTimeoutMs ?? 5_000,
    cancelGraceMs: merged.cancelGraceMs ?? 5_000,
    streamIdleMs: merged.streamIdleMs ?? 600_000,
    maxWaiting: merged.maxWaiting ?? DEFAULT_MAX_WAITING,
    liveness: merged.liveness ?? {},
    restart: merged.restart ?? {},
    handleSignals: merged.handleSignals ?? false,
    inspect: merged.inspect === true ? {} : (merged.inspect ?? false),
    unref: merged.unref ?? false,
    logLevel: merged.logLevel ?? 'warn',
  };
}

/** Throws `E_OPTIONS` unless the options are an object, in which what only a program can give has the methods it needs. */
export function checkProgramOptions(options: unknown): void {
  checked(programSchema, options, OPTIONS);
}

const OPTIONS = 'the options of createSupervisor()';

/** The environment variables that set something, and how their text is read. */
const VARIABLES: Readonly<Record<string, readonly [keyof SupervisorSettings, (text: string) => unknown]>> = {
  GREENROOM_HOME: ['dataDir', String],
  GREENROOM_SEARCH_PATHS: ['searchPaths', (text) => text.split(delimiter).filter((path) => path !== '')],
  GREENROOM_WATCH: ['watch', (text) => SWITCHES[text] ?? text],
  GREENROOM_POLL_MS: ['pollMs', numberIn],
  GREENROOM_TRANSPORT: ['transport', String],
  GREENROOM_PASS_ENV: ['passEnv', (text) => text.split(',').map((name) => name.trim())],
  GREENROOM_NODE_PATH: ['nodePath', String],
  GREENROOM_LOG_LEVEL: ['logLevel', String],
  GREENROOM_POLICY: ['policy', String],
  GREENROOM_CAPACITY: ['capacity', amountsIn],
  GREENROOM_ORDER: ['order', String],
  GREENROOM_MAX_WAIT_MS: ['maxWaitMs', numberIn],
  GREENROOM_MAX_SCHEDULER_WAITING: ['maxSchedulerWaiting', numberIn],
  GREENROOM_START_TIMEOUT_MS: ['startTimeoutMs', numberIn],
  GREENROOM_DRAIN_TIMEOUT_MS: ['drainTimeoutMs', numberIn],
  GREENROOM_STOP_TIMEOUT_MS: ['stopTimeoutMs', numberIn],
  GREENROOM_STREAM_IDLE_MS: ['streamIdleMs', numberIn],
};

const SWITCHES: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false };

/** `ramMb=8000,slots=4,gpus.GPU-8f3c…=24000` as an object. */
function amountsIn(text: string): Record<string, unknown> {
  const amounts = new Map<string, number>();
  for (const pair of text.split(',')) {
    const [name = '', figure = ''] = pair.split('=').map((part) => part.trim());
    const amount = figure === '' ? Number.NaN : Number(figure);
    if (amounts.has(name)) {
      throw new GreenroomError('E_OPTIONS', `GREENROOM_CAPACITY: "${name}" is given twice; keep one of the two.`);
    }
    amounts.set(name, amount);
  }
  const GPU = 'gpus.';
  const gpus = [...amounts].filter(([name]) => name.startsWith(GPU)).map(([name, mb]) => [name.slice(GPU.length), mb]);
  const others = Object.fromEntries([...amounts].filter(([name]) => !name.startsWith(GPU)));
  return gpus.length === 0 ? others : { ...others, gpus: Object.fromEntries(gpus) };
}

function isLimited(capacity: Capacity | undefined): boolean {
  return Object.values(capacity ?? {}).some((amount) => amount !== undefined);
}

function variableOf(setting: string): string {
  return Object.entries(VARIABLES).find(([, [name]]) => name === setting)?.[0] ?? setting;
}

/** As a number, where it is one. */
function numberIn(text: string): number | string {
  const number = Number(text);
  return Number.isNaN(number) ? text : number;
}

function fromEnvironment(env: SettingsSources['env']): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const [variable, [setting, read]] of Object.entries(VARIABLES)) {
    const text = env[variable];
    if (text !== undefined && text !== '') found[setting] = read(text);
  }
  return found;
}

function readSettingsFile(file: string): unknown {
  const refuse = (reason: string, cause?: unknown): never => {
    throw new GreenroomError('E_OPTIONS', `Invalid settings in ${file}: ${reason}`, { cause });
  };
  const found = readText(file);
  if (found === null) return {};
  if ('reason' in found) return refuse(`the file ${found.reason}.`, found.cause);
  // Some editors of Windows put a byte order mark before the text.
  const text = found.text.replace(/^\ufeff/, '');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refuse(`the file is not JSON: ${messageOf(error)}.`, error);
  }
  if (isDeeperThan(MAX_LEVELS, value)) return refuse(`the file is nested more than ${MAX_LEVELS} levels deep.`);
  const faults = jsonFaults(text);
  if (faults.length === 0) return value;
  return refuse(`${faults.map(({ field, reason }) => `${field} ${reason}`).join('; ')}.`);
}

function check(settings: unknown, where: string, nameOf?: (setting: string) => string): SupervisorSettings {
  const { $schema: _, ...data } = checked(settingsSchema, settings, where, nameOf);
  return data;
}

/** @param nameOf what a setting is called there */
function checked<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  where: string,
  nameOf = (setting: string): string => setting,
): z.output<Schema> {
  const parsed = read(schema, value, where);
  if (parsed.success) return parsed.data;
  const reasons = parsed.error.issues.map(({ path: [setting, ...deeper], message }) =>
    setting === undefined ? message : `${[nameOf(String(setting)), ...deeper].join('.')}: ${message}`,
  );
  const text = reasons.join('; ');
  throw new GreenroomError('E_OPTIONS', `Invalid settings in ${where}: ${text}${text.endsWith('?') ? '' : '.'}`, {
    details: parsed.error.issues,
  });
}

/** Objects of a program may have accessors, and these may throw. */
function read<Schema extends z.ZodType>(schema: Schema, value: unknown, where: string) {
  try {
    return schema.safeParse(value, { error: zodMessages('option') });
  } catch (cause) {
    throw new GreenroomError('E_OPTIONS', `The settings in ${where} cannot be read: ${messageOf(cause)}.`, { cause });
  }
}

function definedOnly(settings: SupervisorSettings): SupervisorSettings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
}

/** A bare name stays one, to be looked for on `PATH`. */
function programPath(cwd: string, program: string): string {
  return /[/\\]/.test(program) ? resolve(cwd, expandHome(program)) : program;
}
