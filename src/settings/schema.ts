import { z } from 'zod';
import { DEFAULT_MAX_WAITING } from '../calls/lease-gate.ts';
import { DEFAULT_MAX_SCHEDULER_WAITING } from '../scheduler/admission.ts';
import { EVICTION_ORDERS } from '../scheduler/policies/policies.ts';
import { DEFAULT_MAX_WAIT_MS } from '../scheduler/policies/queue.ts';
import { mustBe } from './check.ts';
import { DATA_DIR_VARIABLE, DEFAULT_DATA_DIR } from './places.ts';
import {
  capacity,
  count,
  filledText,
  type Given,
  idleMilliseconds,
  inspect,
  liveness,
  milliseconds,
  policy,
  restart,
} from './values.ts';
import { AMOUNTS, NAMES, NUMBER, PATHS, SWITCH, TEXT, variables } from './variables.ts';

/**
 * Every setting of a supervisor, once: what fits it, its default, its environment variable, and in its comment what it
 * is. The types, `docs/embedding.md` and all that reads settings come from here. A setting without a default of its own
 * is `optional`: its default depends on others, or there is none. In a comment, `@default` is the default in JSON or in
 * words, and `@see` what the documentation says of it elsewhere.
 */
export const settingsShape = {
  /**
   * Folders of manifests. The first has the highest priority.
   *
   * @default `.greenroom/plugins`, then `plugins` in `dataDir`
   * @see [where manifests are looked for](docs/manifest.md#where-manifests-are-looked-for)
   */
  searchPaths: z.array(filledText).readonly().optional().register(variables, PATHS),
  /**
   * Configuration files of MCP clients, as they are. Each server that such a file names is a plugin.
   *
   * @default `mcp.json` in `dataDir`, if it is there
   * @see [configurations of other clients](docs/mcp-servers.md#configurations-of-other-clients)
   */
  mcpConfigs: z.array(filledText).readonly().optional().register(variables, PATHS),
  /**
   * The folder for logs and for the user's plugins.
   *
   * @default `~/.greenroom`
   */
  dataDir: filledText.default(DEFAULT_DATA_DIR).register(variables, { ...TEXT, name: DATA_DIR_VARIABLE }),
  /**
   * How the scheduler grants memory: `permissive` grants it to every plugin, `safety` refuses what does not fit, `queue`
   * lets it wait; or an object of your own.
   *
   * @default `queue` with a capacity, else `permissive`
   * @see [scheduling](docs/scheduling.md#options)
   */
  policy: policy.optional().register(variables, TEXT),
  /**
   * The memory and worker processes that plugins of this supervisor may use together: `{ vramMb, gpus, ramMb, slots }`.
   *
   * @default no limit
   * @see [several GPUs](docs/scheduling.md#several-gpus) and [several supervisors](docs/embedding.md#capacity-is-per-supervisor)
   */
  capacity: capacity.default({}).register(variables, AMOUNTS),
  /**
   * Which idle plugin is evicted first: `lru`, the one that has been idle for the longest time; `cost-aware` weighs what it
   * costs to load again.
   *
   * @default "lru"
   * @see [orders](docs/scheduling.md#orders)
   */
  order: z.enum(EVICTION_ORDERS).default('lru').register(variables, TEXT),
  /**
   * How long other plugins may overtake one that waits for memory, under `queue`. After that it is next.
   *
   * @default 30000
   */
  maxWaitMs: milliseconds.default(DEFAULT_MAX_WAIT_MS).register(variables, NUMBER),
  /**
   * How many plugins may wait for memory.
   *
   * @default 1000
   */
  maxSchedulerWaiting: count.default(DEFAULT_MAX_SCHEDULER_WAITING).register(variables, NUMBER),
  /**
   * How changes of manifests are followed: `true`, by events of the system; `"poll"`, by reading the search paths again
   * and again; `false`, not at all.
   *
   * @default true
   * @see [how changes are seen](docs/manifest.md#how-changes-are-seen)
   */
  watch: z
    .union([z.boolean(), z.literal('poll')], { error: 'must be true, false or "poll"' })
    .default(true)
    .register(variables, SWITCH),
  /**
   * Follow the code of Python and Node plugins: where a file that a worker has loaded changes, it is checked, and a new
   * worker takes the place of the old one. On in `greenroom dev`.
   *
   * @default false
   * @see [edit and see](docs/writing-plugins.md#edit-and-see)
   */
  watchCode: z.boolean().default(false).register(variables, SWITCH),
  /**
   * The pause between two reads of the search paths, and of code that is followed, where events of the system are not used or not available.
   *
   * @default 2000
   */
  pollMs: milliseconds.min(1).default(2_000).register(variables, NUMBER),
  /**
   * `lazy`: the first call loads a plugin. `explicit`: only `load` does, and an earlier call is refused with
   * `E_NOT_LOADED`.
   *
   * @default "lazy"
   */
  load: z.enum(['lazy', 'explicit']).default('lazy'),
  /**
   * The connection to workers: Unix sockets, or TCP on the loopback address.
   *
   * @default `unix`; `tcp` on Windows
   */
  transport: z
    .enum(['unix', 'tcp'])
    .default(() => (process.platform === 'win32' ? 'tcp' : 'unix'))
    .register(variables, TEXT),
  /**
   * The newest version of the worker protocol that is offered; 1: calls are HTTP requests that other tools can read.
   *
   * @default 2
   * @see [version 2](docs/worker-protocol.md#version-2-calls-as-frames)
   */
  protocol: z
    .union([z.literal(1), z.literal(2)], { error: mustBe('1 or 2') })
    .default(2)
    .register(variables, NUMBER),
  /**
   * Names or patterns (`HF_*`) of environment variables that every worker gets in addition to the allowlist.
   *
   * @default []
   * @see [environment](docs/manifest.md#environment)
   */
  passEnv: z.array(filledText).readonly().default([]).register(variables, NAMES),
  /**
   * The Node that runs Node plugins: a path, or a name on `PATH`.
   *
   * @default the Node of the host program
   * @see [Electron and single executables](docs/embedding.md#electron-and-single-executables)
   */
  nodePath: filledText.optional().register(variables, TEXT),
  /**
   * The longest time from spawn to ready.
   *
   * @default `30000`, for `cjm` workers `300000`
   */
  startTimeoutMs: milliseconds.optional().register(variables, NUMBER),
  /**
   * How long calls may run on before their worker is stopped.
   *
   * @default 10000
   */
  drainTimeoutMs: milliseconds.default(10_000).register(variables, NUMBER),
  /**
   * The longest time for the plugin's cleanup, and again between SIGTERM and SIGKILL.
   *
   * @default 5000
   */
  stopTimeoutMs: milliseconds.default(5_000).register(variables, NUMBER),
  /**
   * How long a cancelled call may run on before its worker is replaced.
   *
   * @default 5000
   */
  cancelGraceMs: milliseconds.default(5_000),
  /**
   * How long the reader of a stream may leave items unread before the call is cancelled. Above 0; `Infinity`: no limit.
   * JSON has no `Infinity`: in `greenroom.json` set a time of years.
   *
   * @default 600000
   * @see [streams](docs/embedding.md#streams)
   */
  streamIdleMs: idleMilliseconds.default(600_000).register(variables, NUMBER),
  /**
   * How integers beyond ±(2^53 − 1) in what plugins send are read, where a call does not say: `bigint`, exactly, or
   * `number`, rounded.
   *
   * @default "bigint"
   * @see [values](docs/embedding.md#values)
   */
  integers: z.enum(['bigint', 'number']).default('bigint'),
  /**
   * How many calls may wait for one plugin.
   *
   * @default 1000
   */
  maxWaiting: count.default(DEFAULT_MAX_WAITING),
  /**
   * How often a worker is asked whether it is alive: `{ intervalMs, timeoutMs }`, or `false` for never.
   *
   * @default every 10 s, 10 s to answer
   * @see [the manifest](docs/manifest.md#liveness)
   */
  liveness: z.union([z.literal(false), liveness]).default({}),
  /**
   * How a crashed worker is restarted: `{ policy, intensity, periodMs, backoff: { baseMs, factor, capMs } }`.
   *
   * @default `transient`, 5 in 60 s
   * @see [the manifest](docs/manifest.md#restart)
   */
  restart: restart.default({}),
  /**
   * The keys, any of which opens the paths of models of `greenroom serve` on TCP.
   *
   * @default the token of the daemon
   * @see [models](docs/models.md#keys)
   */
  apiKeys: z.array(filledText).readonly().optional().register(variables, NAMES),
  /**
   * Stop the supervisor at SIGINT, SIGTERM and SIGHUP.
   *
   * @default false
   * @see [signals](docs/embedding.md#signals)
   */
  handleSignals: z.boolean().default(false),
  /**
   * Serve the inspector, on 127.0.0.1 alone: `true`, or `{ port, control, payloads }`. Its address, with the token, is
   * `supervisor.inspector.url`.
   *
   * @default false
   * @see [the inspector](docs/inspector.md)
   */
  inspect: z.union([z.boolean(), inspect]).default(false),
  /**
   * Let the process exit while every plugin is idle.
   *
   * @default false
   */
  unref: z.boolean().default(false),
  /**
   * The level of the supervisor's own log on standard error.
   *
   * @default "warn"
   */
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('warn').register(variables, TEXT),
};

/**
 * What may be set for a supervisor. Where an option is absent the environment is asked, then `greenroom.json` in the
 * working directory, then the default counts. Times are whole milliseconds, memory is in MiB.
 */
export interface SupervisorSettings extends Readonly<Given<typeof settingsShape>> {}
