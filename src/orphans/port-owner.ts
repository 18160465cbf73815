import { listProcesses, treeOf } from '../measure/process-tree.ts';
import { holderOf, listeningSockets, socketsOf } from '../process/listening-sockets.ts';
import { sharesMark } from './spawn-mark.ts';

/**
 * Whose a port is: the `worker`'s, all of it; a `stranger`'s, at least in part; or `unknown`, as the system does not tell.
 */
export type PortOwner =
  | { readonly owner: 'worker' }
  | { readonly owner: 'stranger'; readonly pid: number | undefined }
  | { readonly owner: 'unknown'; readonly reason: string };

/**
 * Looks which processes listen on a port: those that a worker has started, however far they have run, or others. It reads
 * the tables of the kernel, which takes 3 to 16 ms: once a start, and not again and again. Never rejects.
 */
export async function portOwner(port: number, worker: number): Promise<PortOwner> {
  if (process.platform !== 'linux') return { owner: 'unknown', reason: 'this system does not tell' };
  let sockets: ReadonlySet<string>;
  try {
    sockets = listeningSockets(port);
  } catch (error) {
    return { owner: 'unknown', reason: (error as Error).message };
  }
  if (sockets.size === 0) return { owner: 'unknown', reason: 'it is not in the tables of this network namespace' };
  const isIn = (own: ReadonlySet<string> | undefined, inode: string): boolean => own?.has(inode) === true;
  const own = socketsOf(worker);
  // Most servers are one process, for which no others need be listed.
  if ([...sockets].every((inode) => isIn(own, inode))) return { owner: 'worker' };
  const open = treeOf(worker, await listProcesses()).map(({ pid }) => socketsOf(pid));
  const others = [...sockets].filter((inode) => !open.some((each) => isIn(each, inode)));
  const strangers = others
    .map((inode) => holderOf(inode))
    .filter((pid) => pid === undefined || !sharesMark(pid, worker));
  if (strangers.length === 0) return { owner: 'worker' };
  const pid = strangers.find((holder) => holder !== undefined);
  // A server that gives up its rights hides its files from us.
  if (pid === undefined && open.includes(undefined)) return { owner: 'unknown', reason: 'its process hides its files' };
  return { owner: 'stranger', pid };
}
