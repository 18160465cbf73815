import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GreenroomError, messageOf } from '../errors.ts';
import { createWhole, writeWhole } from '../files/whole-file.ts';
import { systemCodeOf } from '../system-error.ts';

/** 32 random bytes, as base64url. */
const TOKEN = /^[\w-]{43}$/;

/** The file of a data directory that holds the token of its daemon. */
export function tokenFile(dataDir: string): string {
  return join(dataDir, 'daemon-token');
}

/**
 * The token that clients of the daemon on TCP have to send. The first use makes it, in a file that only its owner can
 * read; of several processes that make it at once, all get the same. Throws `E_DATA_DIR` where the file is not this
 * user's alone, has another content, or cannot be used.
 */
export function daemonToken(dataDir: string): string {
  const file = tokenFile(dataDir);
  try {
    const found = readToken(file);
    if (found !== undefined) return found;
    const token = newToken();
    return createWhole(file, `${token}\n`) ? token : (readToken(file) ?? daemonToken(dataDir));
  } catch (error) {
    throw error instanceof GreenroomError ? error : unusable(file, error);
  }
}

/** Replaces the token, whatever the file was before, and returns the new one. Throws `E_DATA_DIR`. */
export function rotateToken(dataDir: string): string {
  const [file, token] = [tokenFile(dataDir), newToken()];
  try {
    writeWhole(file, `${token}\n`);
  } catch (error) {
    throw unusable(file, error);
  }
  return token;
}

function newToken(): string {
  return randomBytes(32).toString('base64url');
}

function readToken(file: string): string | undefined {
  let descriptor: number;
  try {
    // A link might lead to a file whose content somebody else knows; a pipe would never be read to its end.
    const flags = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
    descriptor = openSync(file, constants.O_RDONLY | flags);
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === 'ENOENT') return undefined;
    throw code === 'ELOOP' ? refused(file, 'is a symbolic link') : error;
  }
  try {
    const { uid, mode, size } = fstatSync(descriptor);
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw refused(file, 'is not a file');
    if (process.platform !== 'win32') {
      if (uid !== process.getuid?.()) throw refused(file, `belongs to another user, ${uid}`);
      const bits = (mode & 0o777).toString(8).padStart(4, '0');
      if ((mode & 0o077) !== 0) throw refused(file, `has mode ${bits}, so that others may have read it`);
    }
    const token = size > 1024 ? '' : readFileSync(descriptor, 'utf8').trim();
    if (!TOKEN.test(token)) throw refused(file, 'holds no token');
    return token;
  } finally {
    closeSync(descriptor);
  }
}

function refused(file: string, fault: string): GreenroomError {
  return new GreenroomError(
    'E_DATA_DIR',
    `The token file ${file} ${fault}. Remove it, and the next start of the daemon makes a new one.`,
  );
}

function unusable(file: string, cause: unknown): GreenroomError {
  return new GreenroomError(
    'E_DATA_DIR',
    `The token file ${file} cannot be used: ${messageOf(cause)}. Make the data directory writable, or choose another with --data-dir.`,
    { cause },
  );
}
