import { isAbsolute } from 'node:path';

/**
 * The working directory of this program. One that has been removed has no path any more: then the one in which the
 * program was started, by whose path the error of whatever needs it can name it.
 */
export function workingDirectory(): string {
  try {
    return process.cwd();
  } catch {
    const { PWD = '' } = process.env;
    return isAbsolute(PWD) ? PWD : '/';
  }
}
