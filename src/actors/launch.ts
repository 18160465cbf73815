import { workingDirectory } from '../files/working-directory.ts';
import type { LaunchRequest } from '../machines/worker.ts';
import type { ManifestEntry } from '../manifest/read.ts';
import type { Transport } from '../process/socket-directory.ts';
import type { BootPlugin, ProtocolVersion } from '../protocol.ts';
import { INSTALLER_ENV, INSTALLER_PASS_ENV } from '../python-envs/installer.ts';
import type { KindSettings } from '../worker-kinds/kind.ts';
import { kindOf } from '../worker-kinds/kinds.ts';
import { workerEnvironment } from '../worker-kinds/worker-environment.ts';

/** What {@link planLaunch} needs beside the manifest. */
export interface LaunchSettings extends KindSettings {
  readonly transport: Transport;
  /** The newest version of the worker protocol that workers are offered. */
  readonly protocol: ProtocolVersion;
  /** Names or patterns of the host program's variables that every worker gets. */
  readonly passEnv: readonly string[];
  /** The host program's environment. */
  readonly hostEnv: Readonly<Record<string, string | undefined>>;
  /** The UUIDs of the GPUs that it may use; `undefined`: those that its manifest and the host program say. */
  readonly gpus?: readonly string[] | undefined;
}

/** Turns a manifest into the program to start. Pure: a worker's port is chosen when it is started. */
export function planLaunch(entry: ManifestEntry, settings: LaunchSettings): LaunchRequest {
  const { manifest, resolved, folder } = entry;
  const kind = kindOf(manifest);
  const { env, ...command } = kind.command(entry, settings);
  const boot: BootPlugin = {
    name: manifest.name,
    folder,
    ...(resolved.module === undefined ? {} : { module: resolved.module }),
    ...(manifest.class === undefined ? {} : { class: manifest.class }),
  };
  const environment = (more: readonly string[]): Record<string, string> =>
    workerEnvironment({
      host: settings.hostEnv,
      pass: [...kind.passEnv, ...settings.passEnv, ...(manifest.pass_env ?? []), ...more],
      set: {
        ...env,
        ...manifest.env_vars,
        ...(settings.gpus !== undefined && { CUDA_VISIBLE_DEVICES: settings.gpus.join(',') }),
      },
    });
  return {
    ...command,
    plugin: manifest.name,
    entry,
    kind,
    cwd: resolved.cwd ?? workingDirectory(),
    env: environment([]),
    ...(command.environment !== undefined && {
      installEnv: { ...environment(INSTALLER_PASS_ENV), ...INSTALLER_ENV },
    }),
    boot,
    concurrency: manifest.max_concurrency ?? kind.concurrency ?? 1,
    transport: settings.transport,
    protocol: settings.protocol,
  };
}
