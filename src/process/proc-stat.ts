import { readdirSync, readFileSync } from 'node:fs';

/** What is read of one process's `/proc/<pid>/stat`; see proc_pid_stat(5). */
export interface ProcStat {
  readonly pid: number;
  /** The process that started it, or the one that adopted it. */
  readonly ppid: number;
  /** Its process group. */
  readonly pgid: number;
  /** Whether it has ended and only waits for its parent to take note. */
  readonly zombie: boolean;
  /** Whether its program is being loaded by `execve`: it has memory, and not yet an environment. */
  readonly loading: boolean;
  /** Whether it has an environment that is not empty. False where it cannot be seen, as that of others. */
  readonly hasEnvironment: boolean;
  /** Processor time used so far, in clock ticks. */
  readonly cpuTicks: number;
  /** When it started, in clock ticks since the machine did: with the pid, this names a process for good. */
  readonly startTime: string;
}

/**
 * Clock ticks a second in `/proc`. The kernel's USER_HZ is 100 on every architecture that Node runs on
 * (`include/asm-generic/param.h`).
 */
export const TICKS_PER_SECOND = 100;

/** Reads a line of `/proc/<pid>/stat`; null for any other text. */
export function parseProcStat(line: string): ProcStat | null {
  // The command's name stands in parentheses and may itself hold spaces, parentheses and line ends; no later field can.
  const pid = Number.parseInt(line, 10);
  const fields = line
    .slice(line.lastIndexOf(')') + 1)
    .trim()
    .split(/\s+/);
  // fields[0] is the third of the manual page, the state.
  const [ppid, pgid, userTicks, systemTicks] = [fields[1], fields[2], fields[11], fields[12]].map(Number);
  const startTime = fields[19];
  if (!Number.isInteger(pid) || ppid === undefined || pgid === undefined || startTime === undefined) return null;
  const zombie = fields[0] === 'Z' || fields[0] === 'X';
  // Kernel threads and what is ending have no memory. Of others' processes the start of the code reads 1, not 0.
  const [memory, startOfCode, endOfEnvironment] = [fields[20], fields[23], fields[48]];
  const loading = memory !== '0' && startOfCode === '0' && endOfEnvironment === '0';
  const hasEnvironment = fields[47] !== endOfEnvironment;
  return {
    pid,
    ppid,
    pgid,
    zombie,
    loading,
    hasEnvironment,
    cpuTicks: (userTicks ?? 0) + (systemTicks ?? 0),
    startTime,
  };
}

/** The state of one process, or null where it is gone or the machine has no `/proc`. */
export function readProcStat(pid: number, proc = '/proc'): ProcStat | null {
  try {
    return parseProcStat(readFileSync(`${proc}/${pid}/stat`, 'utf8'));
  } catch {
    return null;
  }
}

/** The numbers of all processes this one may see; empty where the machine has no `/proc`. */
export function readProcPids(proc = '/proc'): number[] {
  try {
    return readdirSync(proc)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** The states of all processes this one may see; empty where the machine has no `/proc`. */
export function readProcStats(proc = '/proc'): ProcStat[] {
  return readProcPids(proc)
    .map((pid) => readProcStat(pid, proc))
    .filter((stat) => stat !== null);
}
