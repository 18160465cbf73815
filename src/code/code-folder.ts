import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Folders of packages and of what is made from the code. Those that begin with a dot are left out too. */
const NOT_SOURCES: ReadonlySet<string> = new Set(['node_modules', '__pycache__', 'venv', 'site-packages']);

/** A folder with more folders than this is no plugin's: the rest is left out. */
const MAX_FOLDERS = 50;

/** A folder and those in it that may hold sources, at most fifty, those nearest to it first. */
export function sourceFolders(folder: string): string[] {
  const found = [folder];
  for (let at = 0; at < found.length && found.length < MAX_FOLDERS; at += 1) {
    const parent = found[at] as string;
    for (const name of foldersIn(parent)) {
      if (found.length < MAX_FOLDERS && !name.startsWith('.') && !NOT_SOURCES.has(name)) found.push(join(parent, name));
    }
  }
  return found;
}

/** The files of a folder that fit, as absolute paths; none where it cannot be read. */
export function filesIn(folder: string, fits: (name: string) => boolean): string[] {
  return entriesOf(folder).flatMap((entry) =>
    !entry.isDirectory() && fits(entry.name) ? [join(folder, entry.name)] : [],
  );
}

function foldersIn(folder: string): string[] {
  return entriesOf(folder).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
