import { mkdirSync, mkdtempSync, rmdirSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { MAX_SOCKET_PATH_BYTES } from '../protocol.ts';
import { systemCodeOf } from '../system-error.ts';

/** How a host program and a worker talk: Unix sockets, or TCP on the loopback address where there are none. */
export type Transport = 'unix' | 'tcp';

/** A directory of mode 0700 for the sockets of one spawn. */
export interface SocketDirectory {
  readonly path: string;
  /** Where the worker is to listen for calls. */
  readonly worker: string;
  /** Where the worker is to listen for health and cancel. */
  readonly control: string;
  /** Where a worker that speaks frames is to listen for them. */
  readonly frames: string;
  /** Removes the directory with all it holds. Idempotent; never rejects. */
  remove(): Promise<void>;
}

/** The directories of this process, one a spawn, in one folder that goes with the last of them. */
let base: { readonly path: string; spawns: number; inUse: number } | undefined;

/** Directories and folders that could not be removed when their time had come, as for want of a file descriptor. */
const leftovers = { directories: new Set<string>(), folders: new Set<string>() };

/** Removes what could not be removed before. Never throws. */
export function removeLeftSockets(): void {
  for (const path of [...leftovers.directories]) removeAll(path);
  for (const path of [...leftovers.folders]) removeFolder(path);
}

/**
 * A new directory under `$XDG_RUNTIME_DIR`, else under the system's temporary folder. Undefined where neither can be
 * written or both are too long for a socket path, and on Windows: the worker then listens on TCP.
 */
export function createSocketDirectory(): SocketDirectory | undefined {
  if (process.platform === 'win32') return undefined;
  removeLeftSockets();
  const path = inExistingBase() ?? inNewBase();
  if (path === undefined) return undefined;
  const owner = base;
  const sockets = socketPaths(path);
  let removed: Promise<void> | undefined;
  const remove = async (): Promise<void> => {
    try {
      unlinkSync(sockets.worker);
      unlinkSync(sockets.control);
      unlinkSync(sockets.frames);
      // Some file systems take a millisecond and more for this, which no other call should wait for.
      await rmdir(path);
    } catch {
      // It never listened there, or somebody put something else there.
      removeAll(path);
    }
    if (owner === undefined || --owner.inUse > 0) return;
    if (base === owner) base = undefined;
    removeFolder(owner.path);
  };
  return {
    path,
    ...sockets,
    remove: () => (removed ??= remove()),
  };
}

/** Whether the socket paths in a directory are short enough: longer ones are silently cut by the system. */
export function socketPathsFit(directory: string): boolean {
  return Object.values(socketPaths(directory)).every((path) => Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES);
}

function socketPaths(directory: string): Pick<SocketDirectory, 'worker' | 'control' | 'frames'> {
  return {
    worker: join(directory, 'worker.sock'),
    control: join(directory, 'control.sock'),
    frames: join(directory, 'frames.sock'),
  };
}

function inExistingBase(): string | undefined {
  if (base === undefined) return undefined;
  const path = join(base.path, String(base.spawns + 1));
  if (!socketPathsFit(path)) return undefined;
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch {
    // The temporary folder has been cleaned meanwhile; a new base serves.
    return undefined;
  }
  base.spawns += 1;
  base.inUse += 1;
  return path;
}

function inNewBase(): string | undefined {
  for (const parent of socketParents()) {
    if (!socketPathsFit(join(parent, 'greenroom-XXXXXX', '1'))) continue;
    try {
      // mkdtemp makes a name that nobody can guess, with mode 0700.
      base = { path: mkdtempSync(join(parent, 'greenroom-')), spawns: 0, inUse: 0 };
    } catch {
      continue;
    }
    const path = inExistingBase();
    if (path !== undefined) return path;
    removeFolder(base.path);
    base = undefined;
  }
  return undefined;
}

/** Removes the folder of the directories, unless something was put there, which is not ours to remove. */
function removeFolder(path: string): void {
  leftovers.folders.delete(path);
  try {
    rmdirSync(path);
  } catch (error) {
    // Temporary folders may be gone already.
    const isFull = ['ENOTEMPTY', 'EEXIST'].includes(systemCodeOf(error) ?? '');
    const isLater = [...leftovers.directories].some((directory) => dirname(directory) === path);
    if (systemCodeOf(error) !== 'ENOENT' && (isLater || !isFull)) leftovers.folders.add(path);
  }
}

function removeAll(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
    leftovers.directories.delete(path);
  } catch {
    leftovers.directories.add(path);
  }
}

/** Where folders of sockets are made, the best first: `$XDG_RUNTIME_DIR` if it is ours, and the temporary folder. */
export function socketParents(): string[] {
  const runtime = process.env['XDG_RUNTIME_DIR'];
  return runtime !== undefined && isOwnDirectory(runtime) ? [runtime, tmpdir()] : [tmpdir()];
}

function isOwnDirectory(path: string): boolean {
  try {
    const found = statSync(path);
    return found.isDirectory() && found.uid === process.getuid?.();
  } catch {
    return false;
  }
}
