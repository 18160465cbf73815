import { win32 } from 'node:path';
import type { StdioServer } from './server.ts';

/** Programs that run another one that stands among their arguments. */
const RUNNERS = new Set(['bun', 'bunx', 'cmd', 'deno', 'env', 'node', 'npm', 'npx', 'pnpm', 'pnpx', 'yarn']);

/**
 * Whether a server is `greenroom mcp`, started by itself, by a runner of packages such as `npx`, or by Node. As a plugin it
 * would offer the tools of all plugins, its own among them, and call itself.
 */
export function isOwnServer({ command, args }: Pick<StdioServer, 'command' | 'args'>): boolean {
  const words = [command, ...args];
  const at = words.findIndex((word, index) => isGreenroom(word) && words[index + 1] === 'mcp');
  return at === 0 || (at > 0 && RUNNERS.has(programName(command)));
}

/** `greenroom`, `greenroom@0.9`, and the path of either or of the file that it runs. */
function isGreenroom(word: string): boolean {
  return programName(word).replace(/@[^@]*$/, '') === 'greenroom';
}

/** The name of a program without its folder and the ending of its file. Windows' rules take both kinds of slashes. */
function programName(path: string): string {
  return win32
    .basename(path)
    .toLowerCase()
    .replace(/\.(cmd|exe|ps1|[cm]?js)$/, '');
}
