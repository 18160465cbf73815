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
