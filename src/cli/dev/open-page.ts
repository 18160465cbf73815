import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { heedStreams } from '../../process/start-process.ts';

/** The program that opens a file as its user is used to. */
function opener(file: string): readonly [string, readonly string[]] {
  if (process.platform === 'darwin') return ['open', [file]];
  if (process.platform === 'win32') return ['cmd', ['/c', 'start', '""', file]];
  return ['xdg-open', [file]];
}

/** How long a browser may take to read the file that leads to the page, in milliseconds. */
const READ_MS = 30_000;

/**
 * Opens an address in the user's browser, by a file that leads to it and that only the user can read: arguments of
 * programs are seen by every user of the machine, and the address holds a token. Rejects where there is no such program.
 */
export function openPage(url: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'greenroom-'));
  const file = join(folder, 'inspector.html');
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  writeFileSync(file, `<!doctype html><meta http-equiv="refresh" content="0; url=${url}">`, { mode: 0o600 });
  process.once('exit', remove);
  setTimeout(() => {
    process.off('exit', remove);
    remove();
  }, READ_MS).unref();
  return new Promise((resolve, reject) => {
    const [program, args] = opener(file);
    const child = execFile(program, args, { windowsHide: true }, (error) =>
      error === null ? resolve() : reject(error),
    );
    heedStreams(child);
    child.unref();
  });
}
