import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { type DaemonRecord, fateOfDaemon, readDaemon } from '../daemon/daemon-record.ts';
import { workingDirectory } from '../files/working-directory.ts';
import {
  DATA_DIR_VARIABLE,
  DEFAULT_DATA_DIR,
  expandHome,
  MCP_CONFIGS_VARIABLE,
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
  /** The folders and files, of those that are there, in which the command would look for plugins and the daemon does not. */
  readonly unwatched: readonly string[];
  /** Of the search paths and configurations that the command's own options name, those that are not there and that the daemon does not watch. */
  readonly missing: readonly MissingPlace[];
  /** Whether its process is seen to live, and its socket to be there; else only an answer tells. */
  readonly isSeen: boolean;
}

/** A search path or a configuration that an option names and that is not there. */
export interface MissingPlace {
  readonly option: '--search-path' | '--mcp-config';
  readonly path: string;
}

/**
 * The places of a command, as its options, the environment and `greenroom.json` say; undefined where the file cannot be
 * read or what they say is not valid, which the settings themselves tell of.
 */
export function placesOf(values: Values<typeof SETTINGS_OPTIONS>): Places | undefined {
  const cwd = workingDirectory();
  const file = settingsIn(join(cwd, 'greenroom.json'));
  if (file === undefined) return undefined;
  const dataDir = values['data-dir'] ?? (process.env[DATA_DIR_VARIABLE] || (file['dataDir'] ?? DEFAULT_DATA_DIR));
  const searchPaths = values['search-path'] ?? pathsIn(SEARCH_PATHS_VARIABLE) ?? file['searchPaths'];
  const mcpConfigs = values['mcp-config'] ?? pathsIn(MCP_CONFIGS_VARIABLE) ?? file['mcpConfigs'];
  if (!isPath(dataDir) || !arePaths(searchPaths) || !arePaths(mcpConfigs)) return undefined;
  return placesIn(cwd, { dataDir, searchPaths, mcpConfigs });
}

/** The daemon that owns a data directory and takes requests; undefined where there is none. */
export function findDaemon(
  { dataDir, searchPaths, namedPaths, mcpConfigs }: Places,
  values: Values<typeof SETTINGS_OPTIONS>,
): FoundDaemon | undefined {
  const record = readDaemon(dataDir);
  if (record?.listening !== true) return undefined;
  const watched = new Set(
    [...record.searchPaths, ...(record.mcpConfigs ?? [])].flatMap((path) => [path, realPath(path)]),
  );
  const isUnwatched = (path: string): boolean => !watched.has(path) && !watched.has(realPath(path));
  // A folder that is not there holds nothing that the daemon would not know, unless it is all that the command was given:
  // the daemon's plugins are then none that somebody asked for.
  const isAllMissing = namedPaths.length > 0 && !namedPaths.some((path) => existsSync(path));
  const unwatched = [...searchPaths, ...mcpConfigs].filter(
    (path) => isUnwatched(path) && (existsSync(path) || (isAllMissing && namedPaths.includes(path))),
  );
  const missing = missingPlaces(values).filter(({ path }) => isUnwatched(path));
  return { record, unwatched, missing, isSeen: fateOfDaemon(record) === 'alive' && existsSync(record.socket) };
}

/** Of the search paths and configurations that a command's own options name, those that are not there. */
export function missingPlaces(values: Values<typeof SETTINGS_OPTIONS>): readonly MissingPlace[] {
  const cwd = workingDirectory();
  return (['search-path', 'mcp-config'] as const).flatMap((name) =>
    (values[name] ?? [])
      .map((path) => ({ option: `--${name}` as const, path: resolve(cwd, expandHome(path)) }))
      .filter(({ path }) => !existsSync(path)),
  );
}

function settingsIn(file: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8').replace(/^\ufeff/, ''));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? {} : undefined;
  }
}

function pathsIn(variable: string): readonly string[] | undefined {
  const paths = process.env[variable];
  return paths ? paths.split(delimiter).filter((path) => path !== '') : undefined;
}

function arePaths(value: unknown): value is readonly string[] | undefined {
  return value === undefined || (Array.isArray(value) && value.every(isPath));
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
