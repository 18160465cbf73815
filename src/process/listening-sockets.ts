import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readProcPids } from './proc-stat.ts';

/** The inodes of the TCP sockets that listen on a port in this network namespace; see proc_net_tcp(5). Throws where it cannot be read. */
export function listeningSockets(port: number, proc = '/proc'): ReadonlySet<string> {
  return new Set(['tcp', 'tcp6'].flatMap((table) => listeningIn(readTable(`${proc}/net/${table}`), port)));
}

/** The state of a socket that listens, TCP_LISTEN. */
const LISTENS = '0A';

function listeningIn(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return table.split('\n').flatMap((row) => {
    const [, local, , state, , , , , , inode] = row.trim().split(/\s+/);
    return state === LISTENS && inode !== undefined && local?.endsWith(suffix) === true ? [inode] : [];
  });
}

/** A kernel without IPv6 has no table for it. */
function readTable(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (file.endsWith('6') && (error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** The sockets that a process has open, by inode; undefined where it does not let us see, as one of another user. */
export function socketsOf(pid: number, proc = '/proc'): ReadonlySet<string> | undefined {
  let names: string[];
  try {
    names = readdirSync(`${proc}/${pid}/fd`);
  } catch {
    return undefined;
  }
  return new Set(names.flatMap((name) => socketOf(`${proc}/${pid}/fd/${name}`)));
}

function socketOf(descriptor: string): string[] {
  try {
    const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(descriptor)) ?? [];
    return inode === undefined ? [] : [inode];
  } catch {
    // It was closed meanwhile.
    return [];
  }
}

/** The process that has a socket open; undefined where it cannot be seen. */
export function holderOf(inode: string, proc = '/proc'): number | undefined {
  return readProcPids(proc).find((pid) => socketsOf(pid, proc)?.has(inode) === true);
}
