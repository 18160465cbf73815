import { mkdirSync, mkdtempSync, rmdirSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAX_SOCKET_PATH_BYTES } from '../protocol.ts';

/** A directory of mode 0700 for the sockets of one spawn. */
export interface SocketDirectory {
  readonly path: string;
  /** Where the worker is to listen for calls. */
  readonly worker: string;
  /** Where the worker is to listen for health and cancel. */
  readonly control: string;
  /** Removes the directory with all it holds. Synchronous, so that it can run while the process exits; idempotent, never throws. */
  remove(): void;
}

/** The directories of this process, one a spawn, in one folder that goes with the last of them. */
let base: { readonly path: string; spawns: number; inUse: number } | undefined;

/**
 * A new directory under `$XDG_RUNTIME_DIR`, else under the system's temporary folder. Undefined where neither can be
 * written or both are too long for a socket path, and on Windows: the worker then listens on TCP.
 */
export function createSocketDirectory(): SocketDirectory | undefined {
  if (process.platform === 'win32') return undefined;
  const path = inExistingBase() ?? inNewBase();
  if (path === undefined) return undefined;
  const owner = base;
  const sockets = socketPaths(path);
  let removed = false;
  return {
    path,
    ...sockets,
    remove() {
      if (removed) return;
      removed = true;
      try {
        unlinkSync(sockets.worker);
        unlinkSync(sockets.control);
        rmdirSync(path);
      } catch {
        // It never listened there, or somebody put something else there.
        removeAll(path);
      }
      if (owner === undefined || --owner.inUse > 0) return;
      if (base === owner) base = undefined;
      try {
        rmdirSync(owner.path);
      } catch {
        // Already gone, as happens to temporary folders, or somebody put a file there: not ours to remove.
      }
    },
  };
}

/** Whether the socket paths in a directory are short enough: longer ones are silently cut by the system. */
export function socketPathsFit(directory: string): boolean {
  const { worker, control } = socketPaths(directory);
  return [worker, control].every((path) => Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES);
}

function socketPaths(directory: string): { worker: string; control: string } {
  return { worker: join(directory, 'worker.sock'), control: join(directory, 'control.sock') };
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
  for (const parent of parents()) {
    if (!socketPathsFit(join(parent, 'greenroom-XXXXXX', '1'))) continue;
    try {
      // mkdtemp makes a name that nobody can guess, with mode 0700.
      base = { path: mkdtempSync(join(parent, 'greenroom-')), spawns: 0, inUse: 0 };
    } catch {
      continue;
    }
    const path = inExistingBase();
    if (path !== undefined) return path;
  }
  return undefined;
}

/** What cannot be removed now is left for the next supervisor of the data directory: it must not end a clean-up. */
function removeAll(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // As for want of a file descriptor.
  }
}

function parents(): string[] {
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
