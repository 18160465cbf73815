import { createHash } from 'node:crypto';

/** File systems take names of 255 bytes; what is put behind a name, such as `.json.draft`, takes some of them. */
const MAX_NAME_BYTES = 200;

/**
 * The name of a plugin as the beginning of a file's name: itself, or, where that has too many bytes, its beginning and a
 * hash of all of it.
 */
export function safeFileName(plugin: string): string {
  if (Buffer.byteLength(plugin) <= MAX_NAME_BYTES) return plugin;
  const hash = createHash('sha256').update(plugin).digest('hex').slice(0, 16);
  let head = '';
  for (const character of plugin) {
    if (Buffer.byteLength(head + character) > MAX_NAME_BYTES - hash.length - 1) break;
    head += character;
  }
  return `${head}~${hash}`;
}
