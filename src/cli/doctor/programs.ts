import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { ManifestEntry } from '../../manifest/read.ts';
import { heedStreams } from '../../process/start-process.ts';
import { kindOf } from '../../worker-kinds/kinds.ts';
import { DEFAULT_PYTHON, environmentCommand } from '../../worker-kinds/python-interpreter.ts';
import { displayPath } from '../terminal/display-path.ts';
import type { Finding } from './check.ts';

/** The oldest Python that the worker runs in. */
const LEAST_PYTHON = [3, 9] as const;

/** How long a program may take to say its version, in milliseconds. */
const DEADLINE_MS = 10_000;

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
function firstLine(program: string, argument: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = execFile(program, [argument], { timeout: DEADLINE_MS, windowsHide: true }, (error, stdout) => {
      resolve(error === null ? stdout.split('\n')[0] : undefined);
    });
    heedStreams(child);
  });
}
