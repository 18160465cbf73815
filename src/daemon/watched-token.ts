import { statSync } from 'node:fs';
import { createToken } from '../server/token.ts';
import { daemonToken, tokenFile } from './token-file.ts';

/**
 * Gives the token of a data directory as it is now: a new one counts from the next request on. Throws `E_DATA_DIR` where
 * there is none that can be used at first; later `onError` is told, and until there is one again nobody has the token.
 */
export function watchedToken(dataDir: string, onError: (error: unknown) => void): () => string {
  const file = tokenFile(dataDir);
  let known = stampOf(file);
  let token = daemonToken(dataDir);
  return () => {
    // Before it is read: a token that is replaced meanwhile is read again.
    const stamp = stampOf(file);
    if (stamp === known) return token;
    known = stamp;
    try {
      token = daemonToken(dataDir);
    } catch (error) {
      token = createToken();
      onError(error);
    }
    return token;
  };
}

/** Differs once the file was replaced. */
function stampOf(file: string): string {
  const { ino, mtimeMs, ctimeMs } = statSync(file, { throwIfNoEntry: false }) ?? {};
  return `${ino} ${mtimeMs} ${ctimeMs}`;
}
