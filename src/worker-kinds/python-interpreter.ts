import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { KindEntry, KindProgram } from './kind.ts';

/** The interpreter of a Python plugin that names none. */
export const DEFAULT_PYTHON = process.platform === 'win32' ? 'python' : 'python3';

/** By these, classes written for the system that Greenroom replaces find their data. */
export const PYTHON_PASS_ENV = ['CJM_*'];

/** Else Python holds back what it prints to a pipe. */
export const PYTHON_ENV = { PYTHONUNBUFFERED: '1' };

/** The interpreter of a plugin. */
export function pythonOf({ resolved }: KindEntry): string {
  return resolved.python_path ?? DEFAULT_PYTHON;
}

/** The same, as a program that must be there. */
export function pythonPrograms(entry: KindEntry): readonly KindProgram[] {
  return [{ field: 'python_path', what: 'interpreter', program: pythonOf(entry) }];
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
