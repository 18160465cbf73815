import { readdirSync, readFileSync } from 'node:fs';
import { sep } from 'node:path';

/**
 * The processes that run in environments, by their folders: those that were started by a program in one. Known only where
 * `/proc` is; elsewhere none is found.
 */
export function environmentUsers(folders: readonly string[]): ReadonlyMap<string, readonly number[]> {
  const users = new Map<string, number[]>();
  if (folders.length === 0) return users;
  for (const pid of numbersIn('/proc')) {
    const program = programOf(pid);
    const folder = folders.find((each) => program.startsWith(each + sep));
    if (folder !== undefined) users.set(folder, [...(users.get(folder) ?? []), pid]);
  }
  return users;
}

function numbersIn(folder: string): number[] {
  try {
    return readdirSync(folder).map(Number).filter(Number.isSafeInteger);
  } catch {
    return [];
  }
}

/** The first word by which a process was started: of Python in an environment the path there, and not where that leads. */
function programOf(pid: number): string {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return words.slice(0, words.indexOf('\0'));
  } catch {
    return '';
  }
}
