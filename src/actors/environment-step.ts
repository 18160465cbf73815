import { delimiter } from 'node:path';
import type { LaunchRequest } from '../machines/worker.ts';
import { type EnvironmentPlan, planEnvironment } from '../python-envs/environment-plan.ts';
import { programsIn, pythonIn } from '../python-envs/installer.ts';
import type { PythonEnvs, RunStep } from '../python-envs/python-envs.ts';
import { installPackage } from './install-package.ts';
import type { InstallStepOptions, WorkerProgram } from './install-step.ts';

/**
 * Sees to the environment of a Python plugin: makes it where it is not there, and resolves to its interpreter, which is to
 * be started in place of the launch's program. Rejects with `E_MANIFEST` and `E_START`.
 */
export async function environmentStep(
  launch: LaunchRequest,
  { pythonEnvs, trees, log, generation, signal, onInstalling }: InstallStepOptions,
): Promise<WorkerProgram> {
  const { plugin, args, env } = launch;
  const plan = await planFor(launch, pythonEnvs, signal);
  let folder = pythonEnvs.find(plugin, plan.key);
  if (folder === undefined) {
    onInstalling();
    log.event(
      { generation },
      `installing ${plan.file} with ${plan.installer.name} for Python ${plan.interpreter.version}`,
    );
    const run = stepRunner(plan, { trees, signal, onLine: (stream, line) => log.line(stream, line, generation) });
    folder = await pythonEnvs.make(plan, run, signal);
    log.event({ generation }, `the packages are in ${folder}`);
  }
  // So that the scripts of its packages are found, as in an environment that a shell has activated.
  const path = [programsIn(folder), ...(env['PATH'] === undefined ? [] : [env['PATH']])].join(delimiter);
  return { file: pythonIn(folder), args, env: { VIRTUAL_ENV: folder, PATH: path } };
}

/**
 * The interpreter that would run a plugin with such an environment: the environment's own, or the one that it is to be made
 * of, which is of the same version. Installs nothing; undefined where there is none, as the next start tells.
 */
export async function environmentInterpreter(
  launch: LaunchRequest,
  pythonEnvs: PythonEnvs,
  signal: AbortSignal,
): Promise<string | undefined> {
  const plan = await planFor(launch, pythonEnvs, signal).catch(() => undefined);
  if (plan === undefined) return undefined;
  const folder = pythonEnvs.find(launch.plugin, plan.key);
  return folder === undefined ? plan.interpreter.program : pythonIn(folder);
}

/** The environment that a launch needs, which must ask for one. Rejects as {@link planEnvironment}. */
export function planFor(
  { environment, plugin, entry, installEnv = {} }: LaunchRequest,
  { interpreters }: PythonEnvs,
  signal: AbortSignal,
): Promise<EnvironmentPlan> {
  if (environment === undefined) throw new Error(`"${plugin}" asks for no environment of Python.`);
  return planEnvironment(environment, { plugin, manifest: entry.file }, installEnv, interpreters, signal);
}

/** Runs the programs that make an environment, each in a process group of its own, which ends with this program. */
export function stepRunner(
  { plugin, cwd, env }: EnvironmentPlan,
  {
    trees,
    signal,
    onLine,
  }: Pick<InstallStepOptions, 'trees' | 'signal'> & { onLine(stream: 'stdout' | 'stderr', line: string): void },
): RunStep {
  return (step) => installPackage(step, { cwd, env, tree: trees.open(plugin), signal, onLine });
}
