import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '../../errors.ts';
import type { Discovered } from '../../manifest/listing.ts';
import { missingPaths } from '../../manifest/read.ts';
import type { ResolvedSettings } from '../../settings/resolve.ts';
import { isError } from '../problems.ts';
import { programName } from '../program-name.ts';
import { displayPath } from '../terminal/display-path.ts';
import type { Finding } from './check.ts';

/** Whether logs can be written; the folder is made when it is first needed. */
export function checkDataDir(dataDir: string): Finding {
  const check = 'data directory';
  let folder = dataDir;
  while (!existsSync(folder) && folder !== dirname(folder)) folder = dirname(folder);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    if (!statSync(folder).isDirectory()) throw new Error('it is not a folder');
    return {
      check,
      level: 'ok',
      found: `${displayPath(dataDir)}${folder === dataDir ? '' : ', created when needed'}`,
    };
  } catch (error) {
    return {
      check,
      level: 'fail',
      found: `${displayPath(dataDir)} cannot be written: ${messageOf(error)}`,
      next: 'Choose another folder with GREENROOM_HOME or --data-dir.',
    };
  }
}

/** What each search path holds. */
export function checkSearchPaths(
  { searchPaths, namedPaths }: Pick<ResolvedSettings, 'searchPaths' | 'namedPaths'>,
  { entries, shadowed }: Discovered,
): Finding[] {
  const all = [...entries, ...shadowed.map(({ entry }) => entry)];
  return searchPaths.map((path) => {
    const check = 'search path';
    const shown = displayPath(path);
    const count = all.filter(({ searchPath }) => searchPath === path).length;
    if (count > 0) return { check, level: 'ok', found: `${shown}: ${count} plugin${count === 1 ? '' : 's'}` };
    const isMissing = !existsSync(path);
    const found = isMissing ? `${shown}: does not exist` : `${shown}: no plugins`;
    if (isMissing && namedPaths.includes(path)) {
      const next = `Create it: mkdir -p ${shown}. Or take it out of the search paths.`;
      return { check, level: 'warn', found, next };
    }
    // One of several may well be empty.
    return entries.length > 0
      ? { check, level: 'ok', found }
      : { check, level: 'warn', found, next: `Create a plugin: ${programName()} init my-plugin` };
  });
}

/** What each configuration of an MCP client holds, and whether it may be run. That of the data directory need not be there. */
export function checkMcpConfigs(paths: readonly string[], { entries, shadowed, problems }: Discovered): Finding[] {
  const check = 'MCP servers';
  const all = [...entries, ...shadowed.map(({ entry }) => entry)];
  return paths.flatMap((path): Finding[] => {
    const fault = problems.find(
      ({ file, field, severity }) => file === path && field === undefined && severity === 'error',
    );
    const shown = displayPath(path);
    if (fault !== undefined) {
      const next = 'Until then none of its servers is run.';
      return [{ check, level: 'warn', found: `${shown} ${fault.reason}`, next }];
    }
    if (!existsSync(path)) return [];
    const count = all.filter(({ searchPath }) => searchPath === path).length;
    return [{ check, level: 'ok', found: `${shown}: ${count} server${count === 1 ? '' : 's'}` }];
  });
}

/** Whether the programs of MCP servers are there. None is started. */
export function checkMcpPrograms({ entries }: Discovered): Finding[] {
  const check = 'MCP servers';
  const servers = entries.filter(({ manifest }) => manifest.worker === 'mcp');
  const missing = servers.flatMap((entry): Finding[] => {
    const [issue] = missingPaths(entry);
    if (issue === undefined) return [];
    const next = `Install it, or change "${issue.field}" in ${displayPath(entry.file)}.`;
    return [{ check, level: 'fail', found: `${entry.manifest.name}: ${issue.reason}`, next }];
  });
  if (servers.length === 0 || missing.length > 0) return missing;
  return [{ check, level: 'ok', found: `the programs of all ${servers.length} are there` }];
}

/** Whether anything is wrong with the manifests. */
export function checkManifests({ problems }: Discovered): Finding[] {
  const files = new Set(problems.filter(isError).map(({ file }) => file));
  if (files.size === 0) return [];
  return [
    {
      check: 'manifests',
      level: 'warn',
      found: `${files.size} not valid`,
      next: 'See the problems: greenroom validate',
    },
  ];
}
