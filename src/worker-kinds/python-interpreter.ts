import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { EnvironmentNeed } from '../python-envs/environment-plan.ts';
import { pythonIn } from '../python-envs/installer.ts';
import type { KindEntry, KindProgram } from './kind.ts';

/** The interpreter of a Python plugin that names none. */
export const DEFAULT_PYTHON = process.platform === 'win32' ? 'python' : 'python3';

/** By these, classes written for the system that Greenroom replaces find their data. */
export const PYTHON_PASS_ENV = ['CJM_*'];

/** Else Python holds back what it prints to a pipe. */
export const PYTHON_ENV = { PYTHONUNBUFFERED: '1' };

/**
 * The interpreter of a plugin: the one that its manifest names, else that of an environment `.venv` beside the manifest, else
 * the usual one. Where the manifest asks for an environment, it is the one that this is made of.
 */
export function pythonOf({ manifest, resolved, folder }: KindEntry): string {
  return resolved.python_path ?? (manifest.python === undefined ? ownPython(folder) : undefined) ?? DEFAULT_PYTHON;
}

/** The same, as a program that must be there. For an environment any Python on `PATH` may do. */
export function pythonPrograms(entry: KindEntry): readonly KindProgram[] {
  const { manifest, resolved } = entry;
  if (manifest.python !== undefined && resolved.python_path === undefined) return [];
  return [{ field: 'python_path', what: 'interpreter', program: pythonOf(entry) }];
}

/** The environment that a manifest asks for; undefined where it asks for none. */
export function environmentOf({ manifest: { python }, resolved }: KindEntry): EnvironmentNeed | undefined {
  const { requirements, python_path: interpreter } = resolved;
  return python === undefined || requirements === undefined
    ? undefined
    : { requirements, version: python.version, interpreter };
}

/** The interpreter of `.venv`, also where that is broken: better to say so than to start without its packages. */
function ownPython(folder: string): string | undefined {
  const environment = join(folder, '.venv');
  return existsSync(join(environment, 'pyvenv.cfg')) ? pythonIn(environment) : undefined;
}

/**
 * The command that creates the environment in which an interpreter lies that is not there; undefined where its path does
 * not look like one of an environment's.
 */
export function environmentCommand(interpreter: string): string | undefined {
  const folder = /^(.+)[/\\](?:bin[/\\]python[\d.]*|Scripts[/\\]python\.exe|python\.exe)$/i.exec(interpreter)?.[1];
  // Of one that is there and is no environment, as /usr, only the interpreter is missing.
  if (folder === undefined || (existsSync(folder) && !existsSync(join(folder, 'pyvenv.cfg')))) return undefined;
  const isConda = basename(dirname(folder)) === 'envs';
  return isConda ? `conda create --prefix ${folder} python` : `python3 -m venv ${folder}`;
}
