import { type Dirent, readdirSync } from 'node:fs';
import { basename, dirname, sep } from 'node:path';

/** The name of a manifest in a folder of its own. */
export const FOLDER_MANIFEST = 'manifest.json';

/**
 * The manifest files of a search path: every `*.json` in it, and `manifest.json` in each of its folders. Other JSON files
 * of those folders are the plugins' own. Empty where there is no such folder; throws where it cannot be read.
 */
export function manifestFiles(searchPath: string): string[] {
  let found: Dirent[];
  try {
    found = readdirSync(searchPath, { withFileTypes: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
  const files: string[] = [];
  const start = searchPath.endsWith(sep) ? searchPath : searchPath + sep;
  for (const item of found) {
    // A link may lead to either; which of the two it is shows when it is read.
    if (item.name.endsWith('.json') && !item.isDirectory()) files.push(start + item.name);
    else if (item.isDirectory() || item.isSymbolicLink()) files.push(start + item.name + sep + FOLDER_MANIFEST);
  }
  return files;
}

/** Whether a path is where a manifest of the search path may stand. */
export function isManifestPath(searchPath: string, path: string): boolean {
  const folder = dirname(path);
  if (folder === searchPath) return path.endsWith('.json');
  return dirname(folder) === searchPath && basename(path) === FOLDER_MANIFEST;
}
