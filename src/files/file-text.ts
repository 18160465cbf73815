import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';

/** What tells one content of a file from another without reading it, once it has been at rest for a while. */
export type FileStamp = Pick<Stats, 'ino' | 'mtimeMs' | 'size'>;

/**
 * The text of a file, or why there is none; null where there is no such file. `stamp` is from before it was read, and
 * absent where it would say nothing, as the file has only just been written. `unreadable`: the system could not read
 * it, which may pass without a change of the file.
 */
export type FileText = (
  | { readonly text: string }
  | { readonly reason: string; readonly cause?: unknown; readonly unreadable?: boolean }
) & { readonly stamp?: FileStamp | undefined };

/** How coarse the clocks of file systems are, in milliseconds: within a tick, two contents may have the same stamp. */
const TICK_MS = 2_000;

/** Manifests and settings are a few kilobytes; what is larger is some other file. */
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
export function isSameStamp(a: FileStamp, b: FileStamp | undefined): boolean {
  return b !== undefined && a.mtimeMs === b.mtimeMs && a.size === b.size && a.ino === b.ino;
}

/** Reads a small file, of 1 MiB at the most. Never throws, and never waits, as opening a named pipe would. */
export function readText(file: string): FileText | null {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stats = fstatSync(descriptor);
    const { ino, mtimeMs, size } = stats;
    const stamp = Date.now() - mtimeMs > TICK_MS ? { ino, mtimeMs, size } : undefined;
    if (!stats.isFile())
      return { reason: `is a ${stats.isDirectory() ? 'folder' : 'device or pipe'}, not a file`, stamp };
    if (size > MAX_BYTES) return { reason: `is larger than ${MAX_BYTES / 1024} KiB, the limit`, stamp };
    return { text: readWhole(descriptor, size), stamp };
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    if (code === 'EISDIR') return { reason: 'is a folder, not a file', cause };
    // A socket, which cannot be opened.
    if (code === 'ENXIO') return { reason: 'is a device or pipe, not a file', cause };
    return { reason: `cannot be read: ${message}`, cause, unreadable: true };
  } finally {
    if (descriptor !== undefined) close(descriptor);
  }
}

/** A network's file system may tell an error of before when a file is closed; what was read was read. */
function close(descriptor: number): void {
  try {
    closeSync(descriptor);
  } catch {}
}

/** One buffer for all files: ten thousand of them would keep the garbage collector busy. */
const buffer = Buffer.allocUnsafeSlow(MAX_BYTES);

function readWhole(descriptor: number, size: number): string {
  let length = 0;
  while (length < size) {
    const read = readSync(descriptor, buffer, length, size - length, length);
    if (read === 0) break;
    length += read;
  }
  return decoded(buffer.subarray(0, length));
}

/** As UTF-8, and by its first two bytes as UTF-16, in which Notepad and PowerShell on Windows may have written it. */
function decoded(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.toString('utf16le');
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be', { ignoreBOM: true }).decode(bytes);
  return bytes.toString('utf8');
}
