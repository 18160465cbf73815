import { type Dirent, readdirSync, statSync } from 'node:fs';
import { basename, dirname, sep } from 'node:path';
import { isSetAside } from './backup-name.ts';

/** The name of a manifest in a folder of its own. */
export const FOLDER_MANIFEST = 'manifest.json';

const ENDING = '.json';

/**
 * The manifest files of a search path: every `*.json` in it, and `manifest.json` in each of its folders; but for what is
 * hidden or set aside, as `voice.bak`. Other JSON files of those folders are the plugins' own. Empty where there is no
 * such folder; throws where it cannot be read.
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
    if (item.name.endsWith(ENDING) && !item.isDirectory()) {
      if (isPluginFile(item.name)) files.push(start + item.name);
    } else if ((item.isDirectory() || item.isSymbolicLink()) && !isSetAside(item.name)) {
      files.push(start + item.name + sep + FOLDER_MANIFEST);
    }
  }
  return files;
}

/** Why a search path holds nothing: it is not there, or is no folder. Undefined where it is one. Never throws. */
export function searchPathFault(searchPath: string): string | undefined {
  try {
    const found = statSync(searchPath, { throwIfNoEntry: false });
    if (found === undefined) return 'the search path does not exist';
    return found.isDirectory() ? undefined : 'the search path is not a folder';
  } catch {
    // Why it cannot be looked at is told by who reads it.
    return undefined;
  }
}

/** Whether a path is where a manifest of the search path may stand. */
export function isManifestPath(searchPath: string, path: string): boolean {
  const folder = dirname(path);
  if (folder === searchPath) return isPluginFile(basename(path));
  return dirname(folder) === searchPath && basename(path) === FOLDER_MANIFEST && !isSetAside(basename(folder));
}

/** What the folder or the file of a manifest is called, by which people know its plugin; composed as in NFC. */
export function placeName(searchPath: string, file: string): string {
  const folder = dirname(file);
  // A file system may hand out names as it keeps them, decomposed.
  return (folder === searchPath ? basename(file, ENDING) : basename(folder)).normalize('NFC');
}

function isPluginFile(name: string): boolean {
  return name.endsWith(ENDING) && name !== ENDING && !isSetAside(name.slice(0, -ENDING.length));
}
