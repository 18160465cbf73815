import type { Manifest } from '../manifest/schema.ts';
import { type Need, needOf } from '../scheduler/need.ts';
import { DEFAULT_RESTART, type RestartLimit, type RestartSettings } from '../supervision/restart-plan.ts';
import { kindOf } from '../worker-kinds/kinds.ts';
import { type InstanceSettings, instanceSettings } from './instances.ts';
import type { ResolvedSettings } from './resolve.ts';

/** How often a worker is asked whether it is alive, and how long it may take to answer, in milliseconds. */
export interface Liveness {
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** What the supervisor's settings and a plugin's manifest come to for one plugin. Times in milliseconds. */
export interface PluginSettings {
  readonly installMs: number;
  readonly startMs: number;
  readonly drainMs: number;
  readonly stopMs: number;
  readonly cancelGraceMs: number;
  /** `undefined`: never asked. */
  readonly liveness: Liveness | undefined;
  /** `undefined`: as much as there is. */
  readonly maxRssMb: number | undefined;
  readonly maxWaiting: number;
  readonly maxConcurrency: number | undefined;
  readonly instances: InstanceSettings;
  readonly idempotent: boolean;
  readonly restart: RestartSettings;
  /** What its manifest says that it needs. */
  readonly need: Need;
  /** Added to the priority of its calls while it waits for memory. */
  readonly priority: number;
  /** After how long without a call it releases its memory; `undefined`: not by itself. */
  readonly idleReleaseMs: number | undefined;
}

/** How long a package may take to be installed, where nothing else is set: large ones over slow networks take minutes. */
const DEFAULT_INSTALL_MS = 600_000;

/** How often a worker is asked whether it is alive, and how long it may take to answer, where nothing else is set. */
const DEFAULT_LIVENESS: Liveness = { intervalMs: 10_000, timeoutMs: 10_000 };

/** Works out a plugin's settings: its manifest's word counts before the supervisor's. */
export function pluginSettings(manifest: Manifest, settings: ResolvedSettings): PluginSettings {
  const instances = instanceSettings(manifest.instances);
  return {
    installMs: manifest.install_timeout_ms ?? DEFAULT_INSTALL_MS,
    startMs: manifest.start_timeout_ms ?? settings.startTimeoutMs ?? kindOf(manifest).startMs,
    drainMs: manifest.drain_timeout_ms ?? settings.drainTimeoutMs,
    stopMs: manifest.stop_timeout_ms ?? settings.stopTimeoutMs,
    cancelGraceMs: manifest.cancel_grace_ms ?? settings.cancelGraceMs,
    liveness: livenessOf(manifest, settings),
    maxRssMb: manifest.max_rss_mb,
    maxWaiting: manifest.max_waiting ?? settings.maxWaiting,
    maxConcurrency: manifest.max_concurrency,
    instances,
    idempotent: manifest.idempotent ?? false,
    restart: restartOf(manifest, settings),
    need: { ...manifestNeed(manifest), ...(instances.min > 1 && { instances: instances.min }) },
    priority: manifest.resources?.priority ?? 0,
    idleReleaseMs: manifest.resources?.idle_release_ms ?? (endsWithoutCalls(manifest) ? instances.idleMs : undefined),
  };
}

/** What one worker of a plugin needs by its manifest. A server that another program runs is no process here. */
export function manifestNeed(manifest: Manifest): Need {
  const need = needOf(manifest.resources, devicesOf(manifest));
  return manifest.url === undefined ? need : { ...need, slots: 0 };
}

/** Whether even its last instance is one too many when there are no calls. */
function endsWithoutCalls({ instances }: Manifest): boolean {
  return typeof instances === 'object' && instances.min === 0;
}

/** The GPUs that it names itself. */
function devicesOf({ env_vars: { CUDA_VISIBLE_DEVICES: devices } = {} }: Manifest): string | undefined {
  return devices === undefined ? undefined : String(devices);
}

function livenessOf(manifest: Manifest, settings: ResolvedSettings): Liveness | undefined {
  const own = manifest.liveness;
  if (own === false || (own === undefined && settings.liveness === false)) return undefined;
  const common = settings.liveness === false ? {} : settings.liveness;
  return {
    intervalMs: own?.interval_ms ?? common.intervalMs ?? DEFAULT_LIVENESS.intervalMs,
    timeoutMs: own?.timeout_ms ?? common.timeoutMs ?? DEFAULT_LIVENESS.timeoutMs,
  };
}

/** The manifest and the supervisor set the short window; the long one catches a crash every few seconds, always. */
function restartOf({ restart: own }: Manifest, { restart: common }: ResolvedSettings): RestartSettings {
  const { policy, limits, backoff, stableMs } = DEFAULT_RESTART;
  const [short, ...longer] = limits as [RestartLimit, ...RestartLimit[]];
  return {
    policy: own?.policy ?? common.policy ?? policy,
    limits: [
      {
        restarts: own?.intensity ?? common.intensity ?? short.restarts,
        periodMs: own?.period_ms ?? common.periodMs ?? short.periodMs,
      },
      ...longer,
    ],
    backoff: {
      baseMs: own?.backoff?.base_ms ?? common.backoff?.baseMs ?? backoff.baseMs,
      factor: own?.backoff?.factor ?? common.backoff?.factor ?? backoff.factor,
      maxMs: own?.backoff?.cap_ms ?? common.backoff?.capMs ?? backoff.maxMs,
    },
    stableMs,
  };
}
