import { readFile, realpath } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

/** A file of the page. */
export interface PageFile {
  readonly type: string;
  readonly content: Buffer;
}

/**
 * The file of the page at a path of the server, `/` being `index.html`; undefined where there is none. Nothing outside
 * the folder is read, neither by the path nor through a link, and only kinds of files that pages are made of.
 */
export async function readPageFile(folder: string, path: string): Promise<PageFile | undefined> {
  const name = path === '/' ? 'index.html' : path.slice(1);
  const type = TYPES[extname(name)];
  // The names that the page's build gives need no escapes.
  if (type === undefined || !/^[\w./-]+$/.test(name)) return undefined;
  try {
    const root = await realpath(folder);
    const file = await realpath(join(root, name));
    return file.startsWith(root + sep) ? { type, content: await readFile(file) } : undefined;
  } catch {
    return undefined;
  }
}
