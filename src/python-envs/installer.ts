import { join } from 'node:path';
import { programAnswer } from '../process/program-answer.ts';
import { findProgram } from '../process/program-path.ts';
import type { Interpreter, Surroundings } from './interpreter.ts';

/** What makes an environment and installs packages into it. */
export interface Installer {
  /** `pip`: the pip of the interpreter, which installs into an environment without one; `venv`: an environment with a pip. */
  readonly kind: 'uv' | 'pip' | 'venv';
  /** Its name and version, as in `uv 0.9.2`. */
  readonly name: string;
  /** The program of uv. */
  readonly uv?: string;
}

/** A program on the way to an environment. */
export interface InstallStep {
  readonly file: string;
  readonly args: readonly string[];
  /** Variables beside those that the installer gets. */
  readonly env: Readonly<Record<string, string>>;
}

/** The variables of the host program, or patterns of them, that installers get: their settings, and how the network is reached. */
export const INSTALLER_PASS_ENV = [
  ...['PIP_*', 'UV_*', 'XDG_*', 'NETRC'],
  ...['*_PROXY', '*_proxy', 'SSL_CERT_*', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE'],
];

/** What installers must not be told: packages that lie elsewhere would be taken for installed ones. */
export const INSTALLER_ENV = { PYTHONPATH: '' };

/** From this version on pip installs into an environment of another Python. */
const LEAST_PIP = [22, 3] as const;

const isWindows = process.platform === 'win32';

/**
 * The installer for an interpreter: uv where it is on `PATH`, else the interpreter's own pip, else the pip that a new
 * environment gets. Undefined where there is none of them. Rejects where the signal aborts.
 */
export async function findInstaller(
  { pip, ensurepip, venv, version }: Interpreter,
  { cwd, env }: Surroundings,
  signal: AbortSignal,
): Promise<Installer | undefined> {
  const uv = findProgram(isWindows ? 'uv.exe' : 'uv', cwd, env['PATH']);
  const answer = uv && (await programAnswer(uv, ['--version'], { cwd, env, signal }));
  const name = /^uv \S+/.exec(answer ?? '')?.[0];
  if (uv !== undefined && name !== undefined) return { kind: 'uv', name, uv };
  if (venv && pip !== null && isNewEnough(pip)) return { kind: 'pip', name: `pip ${pip}` };
  return venv && ensurepip ? { kind: 'venv', name: `venv ${version}` } : undefined;
}

/** The programs that make an environment in a folder, one after the other. */
export function installSteps(
  installer: Installer,
  interpreter: Interpreter,
  folder: string,
  requirements: string,
): readonly InstallStep[] {
  const { program } = interpreter;
  const python = pythonIn(folder);
  if (installer.uv !== undefined) {
    const { uv } = installer;
    // Each of its own accord would fetch another Python than the one that was chosen.
    const env = { UV_PYTHON_DOWNLOADS: 'never', UV_NO_PROGRESS: '1' };
    return [
      { file: uv, args: ['venv', '--no-project', '--python', program, folder], env },
      { file: uv, args: ['pip', 'install', '--python', python, '-r', requirements], env },
    ];
  }
  // A setting for the whole machine may send packages to the user's folder, which an environment does not see.
  const env = { PIP_USER: '0', PIP_NO_INPUT: '1', PIP_DISABLE_PIP_VERSION_CHECK: '1', PIP_PROGRESS_BAR: 'off' };
  const install = ['install', '-r', requirements];
  return installer.kind === 'pip'
    ? [
        { file: program, args: ['-m', 'venv', '--without-pip', folder], env },
        { file: program, args: ['-m', 'pip', '--python', python, ...install], env },
      ]
    : [
        { file: program, args: ['-m', 'venv', folder], env },
        { file: python, args: ['-m', 'pip', ...install], env },
      ];
}

/** The folder of an environment's programs. */
export function programsIn(folder: string): string {
  return join(folder, isWindows ? 'Scripts' : 'bin');
}

/** The interpreter of an environment. */
export function pythonIn(folder: string): string {
  return join(programsIn(folder), isWindows ? 'python.exe' : 'python');
}

function isNewEnough(pip: string): boolean {
  const [major = 0, minor = 0] = pip.split('.').map(Number);
  return major > LEAST_PIP[0] || (major === LEAST_PIP[0] && minor >= LEAST_PIP[1]);
}
