import { isSetAside } from '../../manifest/backup-name.ts';

/** A name of a file may have 255 bytes; what is put behind it takes some. */
const MAX_LENGTH = 100;

/**
 * A name of a plugin for each identifier of a model, which may hold what file names may not. They differ also where upper
 * and lower case are not told apart.
 */
export function pluginNames(ids: readonly string[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const taken = new Set<string>();
  // Those that can stay as they are come first, so that no other is given their name.
  for (const id of ids.toSorted((a, b) => Number(fileName(b) === b) - Number(fileName(a) === a))) {
    const name = fileName(id);
    let free = name;
    for (let count = 2; taken.has(free.toLowerCase()); count += 1) free = `${name}-${count}`;
    taken.add(free.toLowerCase());
    names.set(id, free);
  }
  return names;
}

function fileName(id: string): string {
  const plain = id
    .replaceAll(/[^\w.+-]+/g, '-')
    .replace(/^[-.]+/, '')
    .slice(0, MAX_LENGTH)
    .replace(/[-.]+$/, '');
  if (plain === '') return 'model';
  // A manifest whose file looks like a backup is ignored.
  return isSetAside(plain) ? plain.replaceAll('.', '-') : plain;
}
