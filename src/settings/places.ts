import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/*
 * Imports nothing but modules of Node: the command line looks for a daemon by it before anything else, and a test follows
 * the imports.
 */

/** The data directory where nothing says another. */
export const DEFAULT_DATA_DIR = '~/.greenroom';

/** The environment variable of the data directory. */
export const DATA_DIR_VARIABLE = 'GREENROOM_HOME';

/** The environment variable of the search paths. */
export const SEARCH_PATHS_VARIABLE = 'GREENROOM_SEARCH_PATHS';

/** The environment variable of the configuration files of MCP clients. */
export const MCP_CONFIGS_VARIABLE = 'GREENROOM_MCP_CONFIGS';

/** Where a supervisor keeps its data, and looks for manifests. */
export interface Places {
  readonly dataDir: string;
  readonly searchPaths: readonly string[];
  /** Those of them that somebody has named: these are expected to be there. */
  readonly namedPaths: readonly string[];
  /** Configuration files of MCP clients. */
  readonly mcpConfigs: readonly string[];
}

/** The places as absolute paths, as they follow from the settings. */
export function placesIn(
  cwd: string,
  given: {
    readonly dataDir: string;
    readonly searchPaths?: readonly string[] | undefined;
    readonly mcpConfigs?: readonly string[] | undefined;
  },
): Places {
  const absolute = (path: string): string => resolve(cwd, expandHome(path));
  const dataDir = absolute(given.dataDir);
  const { searchPaths = ['.greenroom/plugins', join(dataDir, 'plugins')], mcpConfigs = [defaultMcpConfig(dataDir)] } =
    given;
  return {
    dataDir,
    searchPaths: searchPaths.map(absolute),
    namedPaths: (given.searchPaths ?? []).map(absolute),
    mcpConfigs: mcpConfigs.map(absolute),
  };
}

/** The configuration file of MCP servers that a data directory may have. */
export function defaultMcpConfig(dataDir: string): string {
  return join(dataDir, 'mcp.json');
}

/** A path with the home of the user in place of a leading `~`. */
export function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
}
