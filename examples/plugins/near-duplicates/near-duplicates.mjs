// @ts-check
/**
 * Finds near-duplicate text files: a Greenroom plugin in JavaScript whose work keeps the processor busy.
 *
 * A file is the set of its shingles, the hashes of every few words in a row. MinHash gives each set a short signature;
 * files whose signatures agree in one band of it are candidates, and only candidates are compared in full. So the work
 * grows with the number of files, not with the number of pairs.
 */
import { readFileSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { definePlugin } from 'greenroom/worker';
import { bandRows, shingles, signatures, similarity } from './minhash.mjs';

/** @typedef {{ path: string, shingles: Uint32Array, files: { path: string, similarity: number }[] }} Group */
/** @typedef {{ shingle_words: number, hashes: number, threshold: number }} Config */

const LARGEST_FILE = 2_000_000;
const IGNORED_FOLDERS = new Set(['node_modules', '__pycache__']);
/** So that two files at the threshold are missed at most once in a hundred times. */
const RECALL = 0.99;

const manifest = JSON.parse(readFileSync(new URL('manifest.json', import.meta.url), 'utf8'));

export default definePlugin({
  name: manifest.name,
  version: manifest.version,
  description: manifest.description,
  config: manifest.config_schema,

  /**
   * `files` is a list of paths, or a folder. Every file of a group is at least `threshold` like its first file.
   * @param {{ files: string | string[] }} input
   * @param {import('greenroom/worker').CallContext<Config>} ctx
   */
  async execute({ files }, ctx) {
    const { config } = ctx;
    const paths = typeof files === 'string' ? await filesUnder(resolve(files)) : files.map((path) => resolve(path));
    const sign = signatures(config.hashes);
    const rows = bandRows(config.hashes, config.threshold, RECALL);

    /** @type {Group[]} */
    const groups = [];
    /** @type {Map<string, Group[]>} the groups whose first file has this band in its signature */
    const bands = new Map();
    let compared = 0;
    const reportsAt = Math.ceil(paths.length / 100);

    for (const [done, path] of paths.entries()) {
      // The flag is set even while this loop leaves the event loop, and so `ctx.signal`, no time to run.
      if (ctx.cancelled) throw new DOMException(`Cancelled after ${done} of ${paths.length} files.`, 'AbortError');
      if (done % reportsAt === 0) ctx.progress(done / paths.length, path);
      const text = await textOf(path);
      const set = text === undefined ? new Uint32Array() : shingles(text, config.shingle_words);
      if (set.length === 0) continue;
      compared += 1;

      const signature = sign(set);
      const keys = [];
      for (let row = 0; row + rows <= signature.length; row += rows) {
        keys.push(`${row}:${signature.subarray(row, row + rows).join()}`);
      }
      const candidates = new Set(keys.flatMap((key) => bands.get(key) ?? []));
      const best = mostSimilar(set, candidates);
      if (best && best.similarity >= config.threshold) {
        best.group.files.push({ path, similarity: Number(best.similarity.toFixed(3)) });
        continue;
      }
      const group = { path, shingles: set, files: [{ path, similarity: 1 }] };
      groups.push(group);
      for (const key of keys) {
        const band = bands.get(key);
        if (band) band.push(group);
        else bands.set(key, [group]);
      }
    }
    ctx.progress(1, 'done');
    return {
      groups: groups.filter((group) => group.files.length > 1).map((group) => ({ files: group.files })),
      compared,
      skipped: paths.length - compared,
    };
  },
});

/**
 * @param {Uint32Array} set
 * @param {Iterable<Group>} groups
 */
function mostSimilar(set, groups) {
  /** @type {{ group: Group, similarity: number } | undefined} */
  let best;
  for (const group of groups) {
    const likeness = similarity(set, group.shingles);
    if (!best || likeness > best.similarity) best = { group, similarity: likeness };
  }
  return best;
}

/**
 * The text of a file; undefined for a binary, large or unreadable one.
 * @param {string} path
 */
async function textOf(path) {
  try {
    if ((await stat(path)).size > LARGEST_FILE) return undefined;
    const text = await readFile(path, 'utf8');
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}

/**
 * The files of a folder and its subfolders, sorted; hidden ones and caches are left out.
 * @param {string} folder
 * @returns {Promise<string[]>}
 */
async function filesUnder(folder) {
  const entries = await readdir(folder, { withFileTypes: true });
  const shown = entries.filter(({ name }) => !name.startsWith('.') && !IGNORED_FOLDERS.has(name));
  shown.sort((a, b) => (a.name < b.name ? -1 : 1));
  const found = [];
  for (const entry of shown) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push(...(await filesUnder(path)));
    else if (entry.isFile()) found.push(path);
  }
  return found;
}
