import { accessSync, constants, readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { makeFolder } from '../files/make-folder.ts';
import { writeWhole } from '../files/whole-file.ts';

/** The program that npx would have run. */
export interface FoundProgram {
  /** Its absolute path. */
  readonly file: string;
  /** The `PATH` that npx would have given to it. */
  readonly path: string;
}

const FILE = 'greenroom-program=';
const PATH = 'greenroom-path=';

/**
 * What npx is given as the shell by which it runs the program: it prints where the program is, and runs nothing. So what is
 * found is what npx would have run, from its cache or from a folder of packages nearby, by whatever rules it has. The
 * scripts by which a package is installed are run by the same shell, and are passed on to a real one.
 */
const PROBE = `#!/bin/sh
[ "$npm_lifecycle_event" = npx ] || exec sh "$@"
printf '\\n${FILE}%s\\n${PATH}%s\\n' "$(eval "command -v $2")" "$PATH"
`;

/** The variable by which npm is told its shell. */
export const SCRIPT_SHELL = 'npm_config_script_shell';

/** A program that does nothing: with it as its shell, npx only installs. */
const NOTHING = '/bin/true';

/** The path of the probe, which is written into this folder; where it could not be run there, of a program that does nothing. */
export function probeIn(folder: string): string {
  const file = join(folder, 'npx-probe.sh');
  try {
    if (textOf(file) !== PROBE) {
      makeFolder(folder, 0o700);
      writeWhole(file, PROBE, 0o700);
    }
    accessSync(file, constants.X_OK);
    return file;
  } catch {
    // The folder may be on a file system from which nothing is run.
    return NOTHING;
  }
}

/** What the probe printed, among lines of others; undefined where it found no file, as for a word of the shell. */
export function foundProgram(lines: readonly string[]): FoundProgram | undefined {
  const file = valueOf(lines, FILE);
  const path = valueOf(lines, PATH);
  return file !== undefined && path !== undefined && isAbsolute(file) ? { file, path } : undefined;
}

/** Whether a line is the probe's, and nothing for people. */
export function isOfProbe(line: string): boolean {
  return line === '' || line.startsWith(FILE) || line.startsWith(PATH);
}

function valueOf(lines: readonly string[], name: string): string | undefined {
  return lines.findLast((line) => line.startsWith(name))?.slice(name.length);
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
