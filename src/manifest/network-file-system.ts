import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';

/** File systems on which Linux says nothing of changes that were not made through this machine's kernel, by their magic numbers (`statfs(2)`). */
const SILENT: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'SMB'],
  [0xfe534d42, 'SMB'],
  [0x01021997, '9P'],
  [0x65735546, 'FUSE'],
  [0x786f4256, 'vboxsf'],
  [0x7c7c6673, 'prlfs'],
  [0x00c36400, 'Ceph'],
  [0x5346414f, 'AFS'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x01161970, 'GFS2'],
  [0x7461636f, 'OCFS2'],
  [0x9fa0, 'proc'],
  [0x62656572, 'sysfs'],
]);

/**
 * The name of the file system that a path is on, or would be, if changes on it may send no events; undefined where they
 * do, or where that cannot be told. Known of Linux, and of shares on Windows.
 */
export function silentFileSystem(path: string): string | undefined {
  if (process.platform === 'win32') return path.startsWith('\\\\') ? 'a network share' : undefined;
  if (process.platform !== 'linux') return undefined;
  try {
    // Some numbers have the highest bit set, which is a sign where they are kept in 32 bits.
    return SILENT.get(statfsSync(path).type >>> 0);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const parent = dirname(path);
    return (code === 'ENOENT' || code === 'ENOTDIR') && parent !== path ? silentFileSystem(parent) : undefined;
  }
}
