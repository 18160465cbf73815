import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

/** Where a program lies that is to be started in `cwd` with this `PATH`; undefined where there is none to execute. */
export function findProgram(file: string, cwd: string, path: string | undefined): string | undefined {
  const candidates = file.includes('/')
    ? [resolve(cwd, file)]
    : (path ?? '').split(delimiter).map((folder) => join(resolve(cwd, folder), file));
  return candidates.find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
