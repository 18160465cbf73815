import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, lstatSync, mkdirSync, readdirSync, realpathSync, rmSync, type Stats } from 'node:fs';
import type { Server } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { GreenroomError, messageOf } from '../errors.ts';
import { makeFolder } from '../files/make-folder.ts';
import { socketParents } from '../process/socket-directory.ts';
import { MAX_SOCKET_PATH_BYTES } from '../protocol.ts';
import { type DataDirClaim, unusableDataDir } from './daemon-lock.ts';

/**
 * Where a new daemon of a data directory is to listen: a path that no daemon had before, so that one that ends late
 * cannot remove the socket of the next. On Windows a named pipe. Makes the folder, which only this user may enter.
 * Throws `E_DATA_DIR` where the data directory cannot be made, where a folder of that name is not this user's alone, and where every path is too long.
 */
export function daemonSocketPath(dataDir: string): string {
  const name = `${nameOf(dataDir)}-${randomBytes(4).toString('hex')}`;
  if (process.platform === 'win32') return `\\\\.\\pipe\\greenroom-${name}`;
  const folders = socketParents().map((parent) => join(parent, `greenroom-${process.getuid?.()}`));
  const folder = folders.find((path) => Buffer.byteLength(join(path, `${name}.sock`)) <= MAX_SOCKET_PATH_BYTES);
  if (folder === undefined)
    throw new GreenroomError(
      'E_DATA_DIR',
      `No folder for the daemon's socket: in ${folders.join(' and ')} its path would have more than ${MAX_SOCKET_PATH_BYTES} bytes. Set XDG_RUNTIME_DIR or TMPDIR to a shorter path.`,
    );
  makePrivate(folder);
  return join(folder, `${name}.sock`);
}

/**
 * Lets a server listen at the socket of a claim, for this user alone, and then removes the sockets that earlier daemons
 * of the data directory have left. Rejects with `E_DATA_DIR`. The server removes its socket as it closes.
 */
export async function listenOnSocket(server: Server, { record: { socket } }: DataDirClaim): Promise<void> {
  try {
    server.listen(socket);
    await once(server, 'listening');
    if (process.platform === 'win32') return;
    chmodSync(socket, 0o600);
  } catch (cause) {
    server.close();
    throw new GreenroomError('E_DATA_DIR', `The daemon cannot listen at ${socket}: ${messageOf(cause)}.`, { cause });
  }
  removeOthers(socket);
}

/** The same for every path that leads to the directory, which is made where it is absent. */
function nameOf(dataDir: string): string {
  try {
    makeFolder(dataDir, 0o700);
    return createHash('sha256').update(realpathSync(dataDir)).digest('hex').slice(0, 16);
  } catch (cause) {
    throw unusableDataDir(dataDir, cause);
  }
}

/** Sockets of the same data directory; that there is a claim means that their daemons are dead or have left it. */
function removeOthers(socket: string): void {
  const [folder, own] = [dirname(socket), basename(socket)];
  const prefix = own.slice(0, own.lastIndexOf('-') + 1);
  try {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (name.startsWith(prefix) && name !== own && lstatSync(path).isSocket()) rmSync(path, { force: true });
    }
  } catch {
    // Left for the next daemon.
  }
}

function makePrivate(folder: string): void {
  const found = make(folder);
  const fault = faultOf(found);
  if (fault === undefined) return;
  throw new GreenroomError(
    'E_DATA_DIR',
    `The folder ${folder} for the daemon's socket ${fault}, so that others might reach the daemon or pose as it. Remove it, or set XDG_RUNTIME_DIR to a folder that only you can write.`,
  );
}

function make(folder: string): Stats {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cannotMake(folder, cause);
  }
  try {
    return lstatSync(folder);
  } catch (cause) {
    throw cannotMake(folder, cause);
  }
}

function cannotMake(folder: string, cause: unknown): Error {
  return new GreenroomError(
    'E_DATA_DIR',
    `The folder ${folder} for the daemon's socket cannot be made: ${messageOf(cause)}. Set XDG_RUNTIME_DIR or TMPDIR to a folder that you can write.`,
    { cause },
  );
}

function faultOf(found: Stats): string | undefined {
  if (found.isSymbolicLink()) return 'is a symbolic link';
  if (!found.isDirectory()) return 'is not a folder';
  if (found.uid !== process.getuid?.()) return `belongs to another user, ${found.uid}`;
  const mode = found.mode & 0o777;
  return (mode & 0o077) === 0 ? undefined : `has mode ${mode.toString(8).padStart(4, '0')}, not 0700`;
}
