import { renameSync, rmSync, writeFileSync } from 'node:fs';

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
