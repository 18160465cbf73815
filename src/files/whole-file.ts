import { randomBytes } from 'node:crypto';
import { constants, copyFileSync, linkSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { systemCodeOf } from '../system-error.ts';

/** Where a file's next content is written. Of the same folder: a rename replaces a file only within a file system. */
const draftOf = (file: string): string => `${file}.draft`;

/**
 * Writes a file that only its owner may read, or of another mode, or replaces it, so that whoever reads it finds the old
 * content or the new one, whole. Throws what the file system throws, and then leaves the file as it was.
 */
export function writeWhole(file: string, text: string, mode = 0o600): void {
  try {
    writeFileSync(draftOf(file), text, { mode });
    renameSync(draftOf(file), file);
  } catch (error) {
    remove(draftOf(file));
    throw error;
  }
}

/** What a file system without hard links answers to `link`: FAT, some of networks and containers. */
const WITHOUT_LINKS: readonly (string | undefined)[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

/**
 * Writes a file only its owner may read, if there is no file of that name: of any number of processes that try at once,
 * one succeeds. Returns whether it was this one. The content appears whole, except on a file system without hard links,
 * where a reader may find the beginning of it. Throws what the file system throws.
 */
export function createWhole(file: string, text: string): boolean {
  const draft = `${file}.${randomBytes(6).toString('hex')}.draft`;
  try {
    writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
    return link(draft, file);
  } finally {
    remove(draft);
  }
}

function link(draft: string, file: string): boolean {
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    const code = systemCodeOf(error);
    // A network file system that asks twice, as the first answer was lost, refuses what it has done itself.
    if (code === 'EEXIST') return statSync(draft).nlink > 1;
    if (!WITHOUT_LINKS.includes(code)) throw error;
  }
  try {
    copyFileSync(draft, file, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Removes a file that {@link writeWhole} has written, and what it could not tidy up. Never throws. */
export function removeWhole(file: string): void {
  remove(file);
  remove(draftOf(file));
}

function remove(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // The disk may be read-only by now.
  }
}
