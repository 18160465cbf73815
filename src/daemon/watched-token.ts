import { statSync } from 'node:fs';
import { daemonToken, tokenFile } from './token-file.ts';

/** Gives the token of a data directory as it is now: a new one counts from the next request on. Throws `E_DATA_DIR`. */
export function watchedToken(dataDir: string): () => string {
  const file = tokenFile(dataDir);
  let token = daemonToken(dataDir);
  let known = stampOf(file);
  return () => {
    const stamp = stampOf(file);
    if (stamp === known) return token;
    token = daemonToken(dataDir);
    known = stampOf(file);
    return token;
  };
}

/** Differs once the file was replaced. */
function stampOf(file: string): string {
  const { ino, mtimeMs } = statSync(file, { throwIfNoEntry: false }) ?? {};
  return `${ino} ${mtimeMs}`;
}
