import { fileURLToPath } from 'node:url';
import { NODE_ADVICE, nodeProgram } from './node-program.ts';
import { workerEnvironment } from './worker-environment.ts';
import type { BootPlugin } from '../protocol.ts';
import type { ManifestEntry } from '../manifest/read.ts';
import { workingDirectory } from '../files/working-directory.ts';

/** How a host and a worker are to talk: Unix sockets, or TCP on the loopback address where those are not to be had. */
export type Transport = 'unix' | 'tcp';

/** Everything needed to start one worker; plain data. */
export interface LaunchRequest {
  readonly plugin: string;
  readonly entry: ManifestEntry;
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Why there is no such program to start, and what to do then, where that is a matter of settings. */
  readonly problem?: string | undefined;
  readonly advice?: string | undefined;
  /** What the boot line tells the worker to load; `undefined` for the older workers, which get no boot line. */
  readonly boot: BootPlugin | undefined;
  /** Where it reads its boot line, and notices the end of its host: standard input, or a descriptor of its own. */
  readonly bootDescriptor: 0 | 3;
  /** Whether it does nothing of the plugin's before it has read its boot line, as the SDKs do. */
  readonly waitsForBoot: boolean;
  readonly concurrency: number;
  readonly transport: Transport;
}

/** What {@link planLaunch} needs beside the manifest. */
export interface LaunchSettings {
  readonly transport: Transport;
  /** Names or patterns of the host's environment that every worker gets. */
  readonly passEnv: readonly string[];
  /** The Node that runs Node plugins; `undefined`: the one that runs this program. */
  readonly nodePath?: string | undefined;
  /** The host's environment. */
  readonly hostEnv: Readonly<Record<string, string | undefined>>;
  /** The UUIDs of the GPUs that it may use; `undefined`: those that its manifest and the host say. */
  readonly gpus?: readonly string[] | undefined;
}

const NODE_HOST = fileURLToPath(new URL('../../dist/node-sdk/host.js', import.meta.url));
const PYTHON_FOLDER = fileURLToPath(new URL('../../python', import.meta.url));

/**
 * Imports the Python worker instead of running its file: Python keeps the compiled form of what it imports, and of a
 * program never, which would cost every start the 12 ms that compiling takes.
 */
const PYTHON_LAUNCHER = [
  'import sys',
  'folder = sys.argv.pop(1)',
  "sys.path[:1] = [folder] if sys.path[0] == '' else [folder, sys.path[0]]",
  'import greenroom_worker',
  'greenroom_worker.main()',
].join('\n');

/** The interpreter of a Python plugin that names none. */
const DEFAULT_PYTHON = process.platform === 'win32' ? 'python' : 'python3';

/** Turns a manifest into the program to start. Pure: the older workers' port is chosen when they are started. */
export function planLaunch(entry: ManifestEntry, settings: LaunchSettings): LaunchRequest {
  const { manifest, resolved, folder } = entry;
  const boot: BootPlugin = {
    name: manifest.name,
    folder,
    ...(resolved.module === undefined ? {} : { module: resolved.module }),
    ...(manifest.class === undefined ? {} : { class: manifest.class }),
  };
  const common = {
    plugin: manifest.name,
    entry,
    cwd: resolved.cwd ?? workingDirectory(),
    env: workerEnvironment({
      host: settings.hostEnv,
      pass: [...settings.passEnv, ...(manifest.pass_env ?? [])],
      set: {
        ...manifest.env_vars,
        ...(settings.gpus !== undefined && { CUDA_VISIBLE_DEVICES: settings.gpus.join(',') }),
      },
      python: manifest.worker === 'python' || manifest.worker === 'cjm',
    }),
    bootDescriptor: 0 as const,
    waitsForBoot: manifest.worker === 'python' || manifest.worker === 'node',
    concurrency: manifest.max_concurrency ?? 1,
    transport: settings.transport,
  };
  switch (manifest.worker) {
    case 'python':
      return {
        ...common,
        file: resolved.python_path ?? DEFAULT_PYTHON,
        args: ['-c', PYTHON_LAUNCHER, PYTHON_FOLDER],
        boot,
      };
    case 'node': {
      const { file, env, problem } = nodeProgram(settings.nodePath);
      return {
        ...common,
        file,
        args: [NODE_HOST, '3'],
        env: { ...env, ...common.env },
        problem,
        advice: NODE_ADVICE,
        boot,
        bootDescriptor: 3,
      };
    }
    case 'command':
      return { ...common, file: resolved.command ?? '', args: manifest.args ?? [], boot };
    case 'cjm':
      return {
        ...common,
        file: resolved.python_path ?? DEFAULT_PYTHON,
        args: [
          '-m',
          'cjm_plugin_system.core.worker',
          '--module',
          manifest.module ?? '',
          '--class',
          manifest.class ?? '',
        ],
        boot: undefined,
      };
  }
}
