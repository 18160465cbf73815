// @ts-check
/**
 * Finds near-duplicate text files: a Greenroom plugin in JavaScript whose work keeps the processor busy.
 *
 * A file is the set of its shingles, the hashes of every few words in a row. MinHash gives each set a short signature;
 * files whose signatures agree in one band of it are candidates, and only candidates are compared in full. So the work
 * grows with the number of files, not with the number of pairs.
 *
 * Most of the time goes into the signatures, and the signature of a file depends on no other file. So the tool `sign`
 * makes those of a part of the files: as the manifest allows several `instances`, calls for several parts use several
 * cores.
 */
import { readFileSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { definePlugin, PluginError } from 'greenroom/worker';
import { bandKeys, bandRows, shingles, signatures as signaturesOf, similarity } from './minhash.mjs';

/** @typedef {{ path: string, shingles: Uint32Array | undefined, files: { path: string, similarity: number }[] }} Group */
/** @typedef {{ shingle_words: number, hashes: number, threshold: number }} Config */
/** @typedef {import('greenroom/worker').CallContext<Config>} Context */

const LARGEST_FILE = 2_000_000;
const IGNORED_FOLDERS = new Set(['node_modules', '__pycache__']);
/** So that two files at the threshold are missed at most once in a hundred times. */
const RECALL = 0.99;
/** The share of the work that the signatures are, as measured. */
const SIGNING_SHARE = 0.8;
/** The place of a signature that no shingle has set: a file without words has it in every place. */
const UNSET = 0xffffffff;

const manifest = JSON.parse(readFileSync(new URL('manifest.json', import.meta.url), 'utf8'));

export default definePlugin({
  name: manifest.name,
  version: manifest.version,
  description: manifest.description,
  config: manifest.config_schema,

  /**
   * `files` is a list of paths, or a folder. Every file of a group is at least `threshold` like its first file.
   * `signatures` are what `sign` gave for the parts of this list, one after the other; without them they are made here.
   * @param {{ files: string | string[], signatures?: Uint8Array }} input
   * @param {Context} ctx
   */
  async execute({ files, signatures }, ctx) {
    const paths = typeof files === 'string' ? await filesUnder(resolve(files)) : files.map((path) => resolve(path));
    const signing = signatures === undefined ? SIGNING_SHARE : 0;
    signatures ??= await sign(paths, ctx, signing);
    return group(paths, signatures, ctx, signing);
  },

  tools: {
    sign: {
      description: 'Makes the signatures of files, for `execute`; several such calls may run at once',
      readOnly: true,
      input: {
        type: 'object',
        properties: { files: { type: 'array', items: { type: 'string' }, description: 'Paths' } },
        required: ['files'],
        additionalProperties: false,
      },
      /** @param {{ files: string[] }} input @param {Context} ctx */
      execute: ({ files }, ctx) =>
        sign(
          files.map((path) => resolve(path)),
          ctx,
          1,
        ),
    },
  },
});

/**
 * The signatures of files, one after the other: `hashes` times 4 bytes each.
 * @param {string[]} paths
 * @param {Context} ctx
 * @param {number} share of the progress
 */
async function sign(paths, ctx, share) {
  const { hashes, shingle_words } = ctx.config;
  const signatureOf = signaturesOf(hashes);
  const signed = new Uint32Array(paths.length * hashes).fill(UNSET);
  for (const [at, path] of stepping(paths, ctx, 0, share)) {
    signed.set(signatureOf(await shinglesOf(path, shingle_words)), at * hashes);
  }
  return new Uint8Array(signed.buffer);
}

/**
 * The groups of files whose signatures are given.
 * @param {string[]} paths
 * @param {Uint8Array} bytes
 * @param {Context} ctx
 * @param {number} from how far the call has come
 */
async function group(paths, bytes, ctx, from) {
  const { hashes, threshold, shingle_words } = ctx.config;
  const expected = paths.length * hashes * Uint32Array.BYTES_PER_ELEMENT;
  if (bytes.length !== expected) {
    const why = `${paths.length} files with ${hashes} hashes of 4 bytes each`;
    throw new PluginError(`signatures: expected ${expected} bytes, for ${why}, got ${bytes.length}.`, {
      category: 'input',
    });
  }
  // A copy, which begins where such an array may begin.
  const signatures = new Uint32Array(Uint8Array.from(bytes).buffer);
  const rows = bandRows(hashes, threshold, RECALL);
  /** @type {Group[]} */
  const groups = [];
  /** @type {Map<number, Group[]>} the groups whose first file has a band with this key */
  const bands = new Map();
  let compared = 0;

  for (const [at, path] of stepping(paths, ctx, from, 1)) {
    const signature = signatures.subarray(at * hashes, (at + 1) * hashes);
    if (signature.every((least) => least === UNSET)) continue;
    compared += 1;
    const keys = bandKeys(signature, rows);
    const candidates = new Set(keys.flatMap((key) => bands.get(key) ?? []));
    const set = candidates.size > 0 ? await shinglesOf(path, shingle_words) : undefined;
    const best = set && (await mostSimilar(set, candidates, shingle_words));
    if (best && best.similarity >= threshold) {
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
    groups: groups.filter(({ files }) => files.length > 1).map(({ files }) => ({ files })),
    compared,
    skipped: paths.length - compared,
  };
}

/**
 * The files with their numbers, as long as the call is not cancelled; tells how far it is.
 * @param {string[]} paths
 * @param {Context} ctx
 * @param {number} from @param {number} to the progress before the first file and after the last
 */
function* stepping(paths, ctx, from, to) {
  const reportsAt = Math.ceil(paths.length / 100);
  for (const [at, path] of paths.entries()) {
    // The flag is set even while a loop over files leaves the event loop, and so `ctx.signal`, no time to run.
    if (ctx.cancelled) throw new DOMException(`Cancelled after ${at} of ${paths.length} files.`, 'AbortError');
    if (at % reportsAt === 0) ctx.progress(from + ((to - from) * at) / paths.length, path);
    yield/** @type {const} */ ([at, path]);
  }
}

/**
 * @param {Uint32Array} set
 * @param {Iterable<Group>} groups
 * @param {number} words
 */
async function mostSimilar(set, groups, words) {
  /** @type {{ group: Group, similarity: number } | undefined} */
  let best;
  for (const group of groups) {
    group.shingles ??= await shinglesOf(group.path, words);
    const likeness = similarity(set, group.shingles);
    if (!best || likeness > best.similarity) best = { group, similarity: likeness };
  }
  return best;
}

/**
 * The shingles of a file; none of a binary, large or unreadable one.
 * @param {string} path
 * @param {number} words
 */
async function shinglesOf(path, words) {
  const text = await textOf(path);
  return text === undefined ? new Uint32Array() : shingles(text, words);
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
