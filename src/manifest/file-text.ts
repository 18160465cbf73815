import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';

/** What tells one content of a file from another without reading it. */
export type FileStamp = Pick<Stats, 'ino' | 'mtimeMs' | 'size'>;

/** The text of a file with its stamp from before it was read, or why there is none; null where there is no such file. */
export type FileText =
  | { readonly text: string; readonly stamp: FileStamp }
  | { readonly reason: string; readonly stamp?: FileStamp | undefined }
  | null;

/** A manifest is a few kilobytes; what is larger is some other file. */
const MAX_BYTES = 1024 * 1024;

/** The stamp of a file as it is now; undefined where there is none to be had. */
export function stampOf(file: string): FileStamp | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Whether two stamps are those of the same content. */
export function isSameStamp(a: FileStamp, b: FileStamp): boolean {
  return a.mtimeMs === b.mtimeMs && a.size === b.size && a.ino === b.ino;
}

/** Reads a small file. Never throws, and never waits, as opening a named pipe would. */
export function readText(file: string): FileText {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stats = fstatSync(descriptor);
    const { ino, mtimeMs, size } = stats;
    const stamp = { ino, mtimeMs, size };
    if (!stats.isFile())
      return { reason: `is a ${stats.isDirectory() ? 'folder' : 'device or pipe'}, not a file`, stamp };
    if (size > MAX_BYTES) return { reason: `is larger than ${MAX_BYTES / 1024} KiB, which no manifest is`, stamp };
    return { text: readWhole(descriptor), stamp };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    return { reason: code === 'EISDIR' ? 'is a folder, not a file' : `cannot be read: ${message}` };
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** One buffer for all files: ten thousand of them would keep the garbage collector busy. */
const buffer = Buffer.allocUnsafeSlow(MAX_BYTES);

function readWhole(descriptor: number): string {
  let length = 0;
  for (;;) {
    const read = readSync(descriptor, buffer, length, buffer.length - length, length);
    length += read;
    if (read === 0 || length === buffer.length) return buffer.toString('utf8', 0, length);
  }
}
