import { resolve } from 'node:path';
import { workingDirectory } from '../files/working-directory.ts';
import { DATA_DIR_VARIABLE, DEFAULT_DATA_DIR, expandHome } from '../settings/places.ts';

/** A data directory as an absolute path; by default `GREENROOM_HOME`, else `~/.greenroom`. */
export function dataDirOf(given: string | undefined): string {
  const named = given ?? (process.env[DATA_DIR_VARIABLE] || DEFAULT_DATA_DIR);
  return resolve(workingDirectory(), expandHome(named));
}
