import { GreenroomError, messageOf } from '../errors.ts';
import type { PluginLog } from '../logs/log-file.ts';
import type { LaunchRequest } from '../machines/worker.ts';
import type { WorkerTrees } from '../orphans/worker-trees.ts';
import { installFailure } from '../packages/install-failure.ts';
import { isOfProbe } from '../packages/npx-probe.ts';
import type { InstallProgram, InstallRequest, PackageInstalls } from '../packages/package-installs.ts';
import { findProgram } from '../process/program-path.ts';
import type { PythonEnvs } from '../python-envs/python-envs.ts';
import { shortageIn } from '../system-error.ts';
import { installPackage } from './install-package.ts';

/** What an installation shares with others of its supervisor, and whom it tells. */
export interface InstallStepOptions {
  readonly installs: PackageInstalls;
  readonly pythonEnvs: PythonEnvs;
  readonly trees: WorkerTrees;
  readonly log: PluginLog;
  readonly generation: number;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Called before anything is run, and not where it is known that the package is there. */
  onInstalling(): void;
}

/** The program of a worker, and what was installed for it, if anything was. */
export interface WorkerProgram {
  readonly file: string;
  readonly args: readonly string[];
  /** Variables beside those of the launch. */
  readonly env: Readonly<Record<string, string>>;
  readonly installed?: InstallRequest | undefined;
}

/**
 * Installs the package of a worker's program, if its kind says that it has one, and resolves to what is to be started: the
 * program itself where it is known, so that the one that installs packages does not stay beside it; else the command as it
 * is. Rejects with `E_START`.
 */
export async function installStep(
  launch: LaunchRequest & { readonly file: string },
  { installs, trees, log, generation, signal, onInstalling }: InstallStepOptions,
): Promise<WorkerProgram> {
  const { file, args, cwd, env, plugin } = launch;
  const asItIs: WorkerProgram = { file, args, env: {} };
  const command = launch.kind.install?.(launch);
  const runner = command === undefined ? undefined : findProgram(file, cwd, env['PATH']);
  if (command === undefined || runner === undefined) return asItIs;
  const request: InstallRequest = { command, runner, cwd, env };
  const shownCommand = [command.runner, ...command.args].join(' ');

  const run = async (program: InstallProgram): Promise<readonly string[]> => {
    log.event({ generation }, `installing ${command.spec}: ${shownCommand}`);
    const end = await installPackage(program, {
      cwd,
      env,
      tree: trees.open(plugin),
      signal,
      onLine(stream, line) {
        if (!isOfProbe(line)) log.line(stream, line, generation);
      },
    }).catch((error: unknown) => {
      const reason = shortageIn(error) ?? messageOf(error);
      throw failed(`${shownCommand} could not be run: ${reason}`, error);
    });
    signal.throwIfAborted();
    log.event({ generation, code: end.code, signal: end.signal }, `installation of ${command.spec} ended`);
    if (end.code === 0) return end.stdout;
    const how = end.signal === null ? `exited with status ${end.code}` : `was killed (${end.signal})`;
    const words = installFailure(end.stderr) || installFailure(end.stdout);
    throw failed(`${shownCommand} ${how}. ${words === '' ? 'It printed nothing' : `Last output: ${words}`}`);
  };

  function failed(reason: string, cause?: unknown): GreenroomError {
    const next = `Check the package's name and the network, and see: greenroom logs ${plugin}`;
    const said = /[.!?]$/.test(reason) ? reason : `${reason}.`;
    const message = `The package "${command?.spec}" of "${plugin}" could not be installed: ${said} ${next}.`;
    return new GreenroomError('E_START', message, { plugin, cause });
  }

  const known = installs.known(request);
  if (known === undefined) onInstalling();
  const { program } = known ?? (await installs.install(request, run, signal));
  if (program === undefined) return { ...asItIs, installed: request };
  return { file: program.file, args: command.programArgs, env: { PATH: program.path }, installed: request };
}
