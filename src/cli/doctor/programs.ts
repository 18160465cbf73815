import { existsSync } from 'node:fs';
import { planFor } from '../../actors/environment-step.ts';
import { planLaunch } from '../../actors/launch.ts';
import { messageOf } from '../../errors.ts';
import type { ManifestEntry } from '../../manifest/read.ts';
import { programAnswer } from '../../process/program-answer.ts';
import { PythonEnvs } from '../../python-envs/python-envs.ts';
import type { ResolvedSettings } from '../../settings/resolve.ts';
import { kindOf } from '../../worker-kinds/kinds.ts';
import { DEFAULT_PYTHON, environmentCommand } from '../../worker-kinds/python-interpreter.ts';
import { displayPath } from '../terminal/display-path.ts';
import type { Finding } from './check.ts';

/** The oldest Python that the worker runs in. */
const LEAST_PYTHON = [3, 9] as const;

/** The interpreters that Python plugins run in: the default one, and those that manifests name. */
export function checkPythons(entries: readonly ManifestEntry[]): Promise<Finding[]> {
  const users = new Map<string, string[]>([[DEFAULT_PYTHON, []]]);
  for (const entry of entries) {
    const { manifest } = entry;
    for (const { field, program } of kindOf(manifest).programs(entry)) {
      if (field === 'python_path') users.set(program, [...(users.get(program) ?? []), manifest.name]);
    }
  }
  return Promise.all([...users].map(([interpreter, plugins]) => checkPython(interpreter, plugins)));
}

/** Whether each plugin that asks for an environment has a Python for it, and something to install it by. Nothing is installed. */
export async function checkEnvironments(
  entries: readonly ManifestEntry[],
  settings: ResolvedSettings,
): Promise<Finding[]> {
  const check = 'Python packages';
  const envs = new PythonEnvs(settings.dataDir);
  const { signal } = new AbortController();
  const found = entries.map(async (entry): Promise<Finding[]> => {
    if (entry.manifest.python === undefined) return [];
    const { name } = entry.manifest;
    const launch = planLaunch(entry, { ...settings, hostEnv: process.env });
    if (launch.environment === undefined) return [];
    try {
      const { key, installer, interpreter } = await planFor(launch, envs, signal);
      const isThere = envs.find(name, key) !== undefined;
      const by = `${installer.name}, Python ${interpreter.version}`;
      return [
        { check, level: 'ok', found: `${name}: ${isThere ? 'installed' : 'installed by the first start'} (${by})` },
      ];
    } catch (error) {
      return [{ check, level: 'fail', found: messageOf(error) }];
    }
  });
  return (await Promise.all(found)).flat();
}

async function checkPython(interpreter: string, plugins: readonly string[]): Promise<Finding> {
  const check = 'Python';
  const uses = plugins.length === 0 ? '' : `, for ${plugins.join(', ')}`;
  // What no plugin uses keeps none from running.
  const level = plugins.length === 0 ? 'warn' : 'fail';
  const least = LEAST_PYTHON.join('.');
  const create = existsSync(interpreter) ? undefined : environmentCommand(interpreter);
  const next =
    create === undefined
      ? `Install Python ${least} or later, or set "python_path" in the manifest to another interpreter.`
      : `Create the environment: ${create}`;
  const answer = await firstLine(interpreter, '--version');
  const version = /^Python (\d+)\.(\d+)\S*/.exec(answer ?? '');
  if (version === null) return { check, level, found: `${displayPath(interpreter)} does not run${uses}`, next };
  const [text, major, minor] = version;
  const isOld =
    Number(major) < LEAST_PYTHON[0] || (Number(major) === LEAST_PYTHON[0] && Number(minor) < LEAST_PYTHON[1]);
  const found = `${displayPath(interpreter)} is ${text}${uses}`;
  return isOld ? { check, level, found, next } : { check, level: 'ok', found };
}

/** ffmpeg is wanted by media plugins alone. */
export async function checkFfmpeg(): Promise<Finding> {
  const check = 'ffmpeg';
  const answer = await firstLine('ffmpeg', '-version');
  const version = /^ffmpeg version (\S+)/.exec(answer ?? '')?.[1];
  if (version !== undefined) return { check, level: 'ok', found: version };
  return {
    check,
    level: 'warn',
    found: 'not found; only plugins for audio and video need it',
    next: 'Install it with the package manager of your system, or from https://ffmpeg.org.',
  };
}

/** The first line that a program prints; undefined where it cannot be run. */
async function firstLine(program: string, argument: string): Promise<string | undefined> {
  return (await programAnswer(program, [argument]))?.split('\n')[0];
}
