import { readFileSync, readlinkSync } from 'node:fs';
import { readProcStat } from './proc-stat.ts';

/** Names one process of one run of one machine for good, which its number alone does not. */
export interface ProcessIdentity {
  readonly pid: number;
  /** As in `/proc/<pid>/stat`; null where the system does not tell. */
  readonly startTime: string | null;
  /** Differs after every start of the machine; null where the system does not tell. */
  readonly bootId: string | null;
  /** The namespace in which the number counts: every container has its own. Null where there are none. */
  readonly pidNamespace: string | null;
}

/** The identity of this process. */
export function ownIdentity(): ProcessIdentity {
  return {
    pid: process.pid,
    startTime: startTimeOf(process.pid),
    bootId: bootId(),
    pidNamespace: pidNamespace(),
  };
}

/**
 * When a process started, as an opaque string that differs for the next process of the same number. Null where the
 * process is gone and on systems without `/proc`.
 */
export function startTimeOf(pid: number): string | null {
  return readProcStat(pid)?.startTime ?? null;
}

/** Whether there is a process of this number, also one that this process may not signal. */
export function processExists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * What became of a process: `alive`; `dead`; `rebooted`, dead with everything that it had started; `elsewhere`, in a
 * container of which this process sees nothing.
 */
export function fateOf(identity: ProcessIdentity): 'alive' | 'dead' | 'rebooted' | 'elsewhere' {
  if (identity.bootId !== bootId()) return 'rebooted';
  if (identity.pidNamespace !== pidNamespace()) return 'elsewhere';
  if (identity.startTime === null) return processExists(identity.pid) ? 'alive' : 'dead';
  const stat = readProcStat(identity.pid);
  return stat?.startTime === identity.startTime && !stat.zombie ? 'alive' : 'dead';
}

function bootId(): string | null {
  return readOrNull(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
}

function pidNamespace(): string | null {
  return readOrNull(() => readlinkSync('/proc/self/ns/pid'));
}

function readOrNull(read: () => string): string | null {
  try {
    return read();
  } catch {
    return null;
  }
}
