import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A folder that describes a control group, and which of the kernel's two interfaces it speaks. */
export interface CgroupFolder {
  readonly folder: string;
  readonly version: 1 | 2;
}

/**
 * The folders of the control groups that account for this process's memory: its own and all above it that can be seen.
 * Empty where there are none. See cgroups(7); `root` is the file system's.
 */
export function cgroupFolders(root = '/'): CgroupFolder[] {
  const memberships = lines(join(root, 'proc/self/cgroup'));
  const mounts = lines(join(root, 'proc/self/mountinfo')).flatMap(parseMount);
  return mounts.flatMap(({ mountedRoot, mountPoint, version }) => {
    const path = memberships.flatMap((line) => parseMembership(line, version))[0];
    if (path === undefined) return [];
    // In a container the mount may begin below the top, and the path may or may not count from there.
    const below = mountedRoot !== '/' && path.startsWith(mountedRoot) ? path.slice(mountedRoot.length) : path;
    const top = join(root, mountPoint);
    const names = below.split('/').filter((name) => name !== '' && name !== '..');
    const folders = names.map((_, index) => join(top, ...names.slice(0, index + 1)));
    return [top, ...folders].filter((folder) => existsSync(folder)).map((folder) => ({ folder, version }));
  });
}

/** A line `id:controllers:path`; version 2 is the line `0::path`. */
function parseMembership(line: string, version: 1 | 2): string[] {
  const [id, controllers, ...path] = line.split(':');
  const matches = version === 2 ? id === '0' && controllers === '' : controllers?.split(',').includes('memory');
  return matches === true ? [path.join(':')] : [];
}

/** A line of mountinfo that mounts the memory controller; the layout is in proc_pid_mountinfo(5). */
function parseMount(line: string): { mountedRoot: string; mountPoint: string; version: 1 | 2 }[] {
  const [mount, source] = line.split(' - ');
  const [, , , mountedRoot, mountPoint] = mount?.split(' ') ?? [];
  const [type, , options] = source?.split(' ') ?? [];
  if (mountedRoot === undefined || mountPoint === undefined) return [];
  if (type === 'cgroup2') return [{ mountedRoot, mountPoint, version: 2 }];
  if (type === 'cgroup' && options?.split(',').includes('memory')) return [{ mountedRoot, mountPoint, version: 1 }];
  return [];
}

function lines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}
