import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type DaemonRecord, readDaemon } from '../daemon/daemon-record.ts';
import { workingDirectory } from '../files/working-directory.ts';
import {
  DATA_DIR_VARIABLE,
  DEFAULT_DATA_DIR,
  type Places,
  placesIn,
  SEARCH_PATHS_VARIABLE,
} from '../settings/places.ts';
import type { SETTINGS_OPTIONS, Values } from './command.ts';

/*
 * Which daemon a command uses. Nothing here, nor in what it imports, may import more than modules of Node, since it runs
 * before every call: a test follows the imports.
 */

/** The daemon of a command's data directory. */
export interface FoundDaemon {
  readonly record: DaemonRecord;
  /** The folders, of those that are there, in which the command would look for plugins and the daemon does not. */
  readonly unwatched: readonly string[];
}

/**
 * The places of a command, as its options, the environment and `greenroom.json` say; undefined where the file cannot be
 * read or what they say is not valid, which the settings themselves tell of.
 */
export function placesOf(values: Values<typeof SETTINGS_OPTIONS>): Places | undefined {
  const cwd = workingDirectory();
  const file = settingsIn(join(cwd, 'greenroom.json'));
  if (file === undefined) return undefined;
  const paths = process.env[SEARCH_PATHS_VARIABLE];
  const dataDir = values['data-dir'] ?? (process.env[DATA_DIR_VARIABLE] || (file['dataDir'] ?? DEFAULT_DATA_DIR));
  const searchPaths =
    values['search-path'] ?? (paths ? paths.split(delimiter).filter((path) => path !== '') : file['searchPaths']);
  if (!isPath(dataDir) || !(searchPaths === undefined || (Array.isArray(searchPaths) && searchPaths.every(isPath))))
    return undefined;
  return placesIn(cwd, { dataDir, searchPaths });
}

/** The daemon that owns a data directory and takes requests; undefined where there is none. */
export function findDaemon({ dataDir, searchPaths }: Places): FoundDaemon | undefined {
  const record = readDaemon(dataDir);
  if (record?.listening !== true) return undefined;
  const watched = new Set(record.searchPaths.flatMap((path) => [path, realPath(path)]));
  const unwatched = searchPaths.filter(
    (path) => existsSync(path) && !watched.has(path) && !watched.has(realPath(path)),
  );
  return { record, unwatched };
}

function settingsIn(file: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8').replace(/^\ufeff/, ''));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? {} : undefined;
  }
}

function isPath(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
