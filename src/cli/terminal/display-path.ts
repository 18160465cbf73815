import { homedir } from 'node:os';
import { isAbsolute, relative, sep } from 'node:path';
import { workingDirectory } from '../../files/working-directory.ts';
import { oneLine } from '../../text/printable.ts';

/**
 * A path as people like to read it, on one line: from the working directory if it is in it, else with `~` for their home.
 */
export function displayPath(path: string): string {
  if (!isAbsolute(path)) return oneLine(path);
  const here = relative(workingDirectory(), path);
  if (here !== '' && !here.startsWith('..') && !isAbsolute(here)) return oneLine(here);
  const home = homedir();
  return oneLine(home !== sep && path.startsWith(home + sep) ? `~${path.slice(home.length)}` : path);
}
