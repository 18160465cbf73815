import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readProcStats } from './proc-stat.ts';
import { processExists, startTimeOf } from './process-identity.ts';
import { heedStreams } from './start-process.ts';
import { waitUntilGone } from './wait-until-gone.ts';

/** A worker's process group, as far as it is known. */
export interface ProcessGroup {
  /** The number of the group, which is the pid of its leader. */
  readonly pgid: number;
  /** {@link startTimeOf} the leader, read right after its start; null where it could not be read. */
  readonly startTime: string | null;
  /** Whether the leader's exit has been seen, after which its number may belong to somebody else. */
  readonly leaderExited: boolean;
}

/**
 * Signals a group, unless its number has become a stranger's. False where nothing was signalled. A number cannot be
 * given to a new process while a group still bears it, so a process of that number that is not our leader means that
 * our group is empty.
 */
export function signalGroup(group: ProcessGroup, signal: NodeJS.Signals | 0): boolean {
  if (group.leaderExited) {
    if (processExists(group.pgid)) return false;
  } else if (group.startTime !== null) {
    const startTime = startTimeOf(group.pgid);
    if (startTime !== null && startTime !== group.startTime) return false;
  }
  return killGroup(group.pgid, signal);
}

/**
 * Signals every process of a group; signal 0 only asks whether there is one. False where this process may signal none of
 * it. Windows has no groups and no signals: there the tree under the process is ended, whatever the signal. Throws
 * RangeError for a number that cannot be a worker's group.
 */
export function killGroup(pgid: number, signal: NodeJS.Signals | 0): boolean {
  if (!Number.isSafeInteger(pgid) || pgid <= 1) throw new RangeError(`${pgid} is not the number of a process group.`);
  if (process.platform === 'win32') {
    if (!processExists(pgid)) return false;
    if (signal !== 0) {
      heedStreams(execFile('taskkill', ['/pid', String(pgid), '/T', '/F'], { windowsHide: true }, () => {}));
    }
    return true;
  }
  return signalled(-pgid, signal);
}

/** The processes of a group that have not ended. Empty on systems without `/proc`. */
export function groupMembers(pgid: number): number[] {
  return readProcStats()
    .filter((stat) => stat.pgid === pgid && !stat.zombie)
    .map((stat) => stat.pid);
}

/**
 * Resolves when no process of a killed group is left, whose leader has ended. Processes that have ended and that their
 * new parent has not taken note of, as happens in containers, do not count.
 */
export function groupIsGone(pgid: number): Promise<void> {
  const group = { pgid, startTime: null, leaderExited: true };
  const hasProc = existsSync('/proc/self/stat');
  return waitUntilGone(() => !signalGroup(group, 'SIGKILL') || (hasProc && groupMembers(pgid).length === 0));
}

function signalled(target: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(target, signal);
  } catch (error) {
    // macOS answers EPERM, not ESRCH, for a group that has only zombies left.
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH' || code === 'EPERM') return false;
    throw error;
  }
}
