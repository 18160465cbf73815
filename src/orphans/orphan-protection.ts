import { accessSync, constants, existsSync } from 'node:fs';
import { cgroupsAreDelegated } from './worker-cgroup.ts';

/**
 * How far a machine lets a supervisor reach what its workers have started: `cgroup`, all of it; `mark`, what bears the
 * environment it was started with; `group`, what stayed in the worker's process group; `lifeline`, the worker alone.
 */
export type OrphanProtectionTier = 'cgroup' | 'mark' | 'group' | 'lifeline';

/** The tier that holds on this machine, and what it promises, as a sentence for people. */
export interface OrphanProtection {
  readonly tier: OrphanProtectionTier;
  readonly promise: string;
}

const PROMISES: Readonly<Record<OrphanProtectionTier, string>> = {
  cgroup:
    'When a worker or this process dies, everything the worker started is killed: each worker has its own control group.',
  mark:
    'When a worker or this process dies, everything the worker started is killed, even in another group or session. ' +
    'Not covered: processes that both clear their environment and leave the group.',
  group:
    'When a worker or this process dies, its process group is killed. Not covered: processes that leave the group.',
  lifeline:
    'When this process dies, workers built on an SDK exit by themselves. Not covered: other workers, and processes that ' +
    'workers start.',
};

/** The shell in which the guard runs. */
export const GUARD_SHELL = '/bin/sh';

/** What holds on this machine. `root` is the file system's, `shell` the one that a guard would run in. */
export function orphanProtection({ root = '/', shell = GUARD_SHELL } = {}): OrphanProtection {
  const tier = tierOf(root, shell);
  return Object.freeze({ tier, promise: PROMISES[tier] });
}

let ofThisMachine: OrphanProtection | undefined;

/** What holds on this machine, looked at once: a probe makes a control group. */
export function protectionHere(): OrphanProtection {
  ofThisMachine ??= orphanProtection();
  return ofThisMachine;
}

function tierOf(root: string, shell: string): OrphanProtectionTier {
  if (!canRunGuard(shell)) return 'lifeline';
  if (!existsSync(`${root}proc/self/environ`)) return 'group';
  return cgroupsAreDelegated(root) ? 'cgroup' : 'mark';
}

/** Whether there is a shell that a guard can run in. */
export function canRunGuard(shell: string): boolean {
  if (process.platform === 'win32') return false;
  try {
    accessSync(shell, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
