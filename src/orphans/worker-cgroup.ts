import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cgroupFolders } from '../process/cgroup.ts';
import { waitUntilGone } from '../process/wait-until-gone.ts';

/** The control group of one worker, which nothing that it starts can leave. */
export interface WorkerCgroup {
  /** Puts a process in; false where the system refuses. */
  add(pid: number): Promise<boolean>;
  /** Kills all that is in it. Synchronous, so that it can run while the process exits. */
  kill(): void;
  /** Resolves when nothing is left in it, and it is removed. */
  gone(): Promise<void>;
}

/** The control group of a supervisor, in which those of its workers lie. */
export interface SupervisorCgroup {
  readonly folder: string;
  /** A group for one worker; undefined where none can be made any more. */
  create(name: string): WorkerCgroup | undefined;
  kill(): void;
  /** Removes it, once the workers' are gone. */
  remove(): void;
}

/** What the folder of a supervisor's group is called, before its identifier. */
const PREFIX = 'greenroom-';

/**
 * Makes a control group for a supervisor below this process's own, where the machine lets it: version 2, with
 * `cgroup.kill` (Linux 5.14). Undefined elsewhere. `root` is the file system's.
 */
export function openSupervisorCgroup(supervisor: string, root = '/'): SupervisorCgroup | undefined {
  const own = cgroupFolders(root).findLast(({ version }) => version === 2)?.folder;
  if (own === undefined || !holdsThisProcess(own)) return undefined;
  const folder = join(own, PREFIX + supervisor);
  try {
    // Moving a process from one group to another takes the right to change the one above both.
    accessSync(join(own, 'cgroup.procs'), constants.W_OK);
    mkdirSync(folder);
  } catch {
    return undefined;
  }
  if (!existsSync(join(folder, 'cgroup.kill'))) {
    removeFolder(folder);
    return undefined;
  }
  return {
    folder,
    create: (name) => createWorkerCgroup(join(folder, name)),
    kill: () => killCgroup(folder),
    remove: () => removeFolder(folder),
  };
}

/** Whether workers get control groups of their own on this machine. */
export function cgroupsAreDelegated(root = '/'): boolean {
  const probe = openSupervisorCgroup(`probe-${process.pid}`, root);
  probe?.remove();
  return probe !== undefined;
}

/** Ends what is left in the group of a supervisor that is dead, and removes it. */
export async function endSupervisorCgroup(folder: string): Promise<void> {
  killCgroup(folder);
  await waitUntilGone(() => !isPopulated(folder));
  const names = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const name of names) if (name.isDirectory()) removeFolder(join(folder, name.name));
  removeFolder(folder);
}

function createWorkerCgroup(folder: string): WorkerCgroup | undefined {
  try {
    mkdirSync(folder);
  } catch {
    return undefined;
  }
  return {
    add: (pid) =>
      writeFile(join(folder, 'cgroup.procs'), String(pid)).then(
        () => true,
        () => {
          removeFolder(folder);
          return false;
        },
      ),
    kill: () => killCgroup(folder),
    async gone() {
      await waitUntilGone(() => !isPopulated(folder));
      removeFolder(folder);
    },
  };
}

function killCgroup(folder: string): void {
  try {
    writeFileSync(join(folder, 'cgroup.kill'), '1');
  } catch {
    // Already gone.
  }
}

function isPopulated(folder: string): boolean {
  try {
    return /^populated 1$/m.test(readFileSync(join(folder, 'cgroup.events'), 'utf8'));
  } catch {
    return false;
  }
}

function holdsThisProcess(folder: string): boolean {
  try {
    return readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').includes(String(process.pid));
  } catch {
    return false;
  }
}

function removeFolder(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Gone, or something the kernel holds back is still in it: the next supervisor of this data directory removes it.
  }
}
