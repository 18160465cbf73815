import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * Whether this process may read its terminal now. One in the background of a shell would be stopped by the system as soon as
 * it tried.
 */
export function isInForeground(): boolean {
  if (process.platform === 'win32') return true;
  try {
    const [own, terminals] = process.platform === 'linux' ? groupsOfProc() : groupsOfPs();
    return own === terminals;
  } catch {
    return false;
  }
}

/** The process group of this process, and the one in the foreground of its terminal; see proc_pid_stat(5). */
function groupsOfProc(): readonly (string | undefined)[] {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return [group, foreground];
}

function groupsOfPs(): readonly (string | undefined)[] {
  const columns = ['-o', 'pgid=', '-o', 'tpgid=', '-p', String(process.pid)];
  return execFileSync('ps', columns, { encoding: 'utf8' }).trim().split(/\s+/);
}
