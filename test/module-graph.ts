import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('../src', import.meta.url));

/**
 * What a module of the source imports as it is loaded, and what those import: files of the source, and names of packages.
 * What is imported later, by `import()`, is not followed.
 */
export function graphOf(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  const text = readFileSync(join(SOURCE, file), 'utf8');
  for (const [, clause = '', name = ''] of text.matchAll(/^(?:import|export)\s([^;]*?from\s)?'([^']+)';/gms)) {
    if (clause.startsWith('type ')) continue;
    if (name.startsWith('.')) graphOf(relative(SOURCE, join(SOURCE, dirname(file), name)), found);
    else found.add(name);
  }
  return found;
}

/** The packages among those, without the modules of Node. */
export function packagesOf(file: string): string[] {
  return [...graphOf(file)].filter((name) => !name.endsWith('.ts') && !name.startsWith('node:'));
}
