import { type FileHandle, open } from 'node:fs/promises';
import { GreenroomError, messageOf } from '../errors.ts';
import { systemCodeOf } from '../system-error.ts';

/** A log file held open, and up to where it has been read. The handle keeps its inode number from being used again. */
export interface OpenLog {
  readonly handle: FileHandle;
  readonly inode: bigint;
  position: number;
}

/** Opens a log file to read it; undefined where there is none. Rejects with `E_DATA_DIR` where it cannot be read. */
export async function openLog(path: string): Promise<OpenLog | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw unreadable(path, error);
  }
  try {
    const { ino } = await handle.stat({ bigint: true });
    return { handle, inode: ino, position: 0 };
  } catch (error) {
    await handle.close();
    throw unreadable(path, error);
  }
}

/** The error of a log that cannot be read. */
export function unreadable(path: string, cause: unknown): GreenroomError {
  return new GreenroomError('E_DATA_DIR', `The log ${path} cannot be read: ${messageOf(cause)}.`, { cause });
}
