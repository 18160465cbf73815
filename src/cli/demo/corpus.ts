import { type FileHandle, open, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve, sep } from 'node:path';
import { GreenroomError } from '../../errors.ts';
import { topicsOf } from './topics.ts';

/** What the demo works on. */
export interface Corpus {
  /** The folder from which paths are shown. */
  readonly root: string;
  /** Absolute paths of text files, documents before sources. */
  readonly files: readonly string[];
  /** Their size together. */
  readonly bytes: number;
  /** How many files that may hold text are there but beyond the limits; at least so many where `scanned` is false. */
  readonly leftOut: number;
  /** Whether every folder was looked into. */
  readonly scanned: boolean;
  /** An audio or video file that was found. */
  readonly media: string | undefined;
  /** What to search for. */
  readonly queries: readonly string[];
}

/** How much of a large folder is taken. */
export interface CorpusLimits {
  readonly files: number;
  readonly bytes: number;
  /** How many files are looked at before the search for more is given up. */
  readonly seen: number;
}

/** Measured: on two cores the plugins are through with this in about ten seconds. */
const LIMITS: CorpusLimits = { files: 8_000, bytes: 40_000_000, seen: 50_000 };

const LARGEST_FILE_BYTES = 1_000_000;
const DOCUMENTS = new Set(['.md', '.markdown', '.txt', '.rst', '.adoc', '.org', '.tex', '.html']);
const SOURCES = new Set(['.ts', '.js', '.mjs', '.cjs', '.py']);
const MEDIA = new Set(['.wav', '.mp3', '.flac', '.ogg', '.opus', '.m4a', '.aac', '.mp4', '.mkv', '.mov', '.webm']);
const IGNORED_FOLDERS = new Set(['node_modules', '__pycache__', 'coverage']);

/** Words that the documentation of the package and its dependencies is sure to know. */
const OWN_QUERIES = ['exponential backoff', 'statechart', 'log rotation', 'watch files'];

/**
 * The text files of a folder, or one file, with something to search them for. Rejects with `E_OPTIONS` where there is
 * no such folder or nothing to read in it.
 */
export async function corpusOf(given: string, limits: CorpusLimits = LIMITS): Promise<Corpus> {
  const path = resolve(given);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new GreenroomError('E_OPTIONS', `There is no file or folder ${path}.`);
  const tree = new Tree(limits.seen);
  if (found.isDirectory()) await tree.walk(path);
  else tree.files.push(path);
  const texts = await takeTexts(documentsFirst(tree.files), limits);
  if (texts.files.length === 0) {
    throw new GreenroomError('E_OPTIONS', `There are no text files in ${path}. Choose another folder.`);
  }
  const root = found.isDirectory() ? path : dirname(path);
  const media = tree.files.find((file) => MEDIA.has(extname(file).toLowerCase()));
  return { root, ...texts, scanned: tree.complete, media, queries: topicsOf(await samplesOf(texts.files)) };
}

/**
 * The Markdown and the sources of a package and of the packages installed beside it or in it: those it depends on first,
 * then the others.
 */
export async function ownCorpus(packageRoot: string, limits: CorpusLimits = LIMITS): Promise<Corpus> {
  const root = await realpath(packageRoot);
  const tree = new Tree(limits.seen);
  await tree.walk(root);
  for (const folder of await packagesAround(root)) await tree.walk(folder);
  // In a clone what is compiled only repeats the sources.
  const compiled = tree.files.some((file) => file.startsWith(join(root, 'src', sep)))
    ? join(root, 'dist', sep)
    : undefined;
  const readable = tree.files.filter(
    (file) =>
      (SOURCES.has(extname(file)) || isDocument(file)) && (compiled === undefined || !file.startsWith(compiled)),
  );
  const texts = await takeTexts(documentsFirst([...new Set(readable)]), limits);
  return { root: displayRoot(root), ...texts, scanned: tree.complete, media: undefined, queries: OWN_QUERIES };
}

/** Files of folders, down to some number of them. */
class Tree {
  readonly files: string[] = [];
  complete = true;
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  /** Adds the files under a folder in order of their names; not the hidden ones, and no link is followed. */
  async walk(folder: string): Promise<void> {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue;
      if (this.files.length >= this.#most) {
        this.complete = false;
        return;
      }
      const path = join(folder, entry.name);
      if (entry.isFile()) this.files.push(path);
      else if (entry.isDirectory() && !IGNORED_FOLDERS.has(entry.name)) await this.walk(path);
    }
  }
}

/** The folders of packages that a package can import, real paths, its dependencies first. */
async function packagesAround(root: string): Promise<string[]> {
  const modules = [join(root, 'node_modules'), ...(isInstalled(root) ? [displayRoot(root)] : [])];
  const dependencies = await dependenciesOf(root);
  const found: string[] = [];
  for (const folder of modules) {
    const names = await packageNames(folder);
    names.sort((a, b) => Number(dependencies.has(b)) - Number(dependencies.has(a)) || (a < b ? -1 : 1));
    // A package manager may have put links here, and links to the package itself.
    const paths = await Promise.all(names.map((name) => realpath(join(folder, name)).catch(() => root)));
    found.push(...paths.filter((path) => path !== root));
  }
  return [...new Set(found)];
}

function isInstalled(root: string): boolean {
  return basename(dirname(root)) === 'node_modules';
}

/** Where an installed package lies among others, else the package itself. */
function displayRoot(root: string): string {
  return isInstalled(root) ? dirname(root) : root;
}

async function dependenciesOf(root: string): Promise<ReadonlySet<string>> {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { dependencies?: object };
  return new Set(Object.keys(manifest.dependencies ?? {}));
}

async function packageNames(modules: string): Promise<string[]> {
  const names: string[] = [];
  for (const name of await readdir(modules).catch(() => [])) {
    if (name.startsWith('.')) continue;
    if (!name.startsWith('@')) names.push(name);
    else for (const inner of await readdir(join(modules, name)).catch(() => [])) names.push(`${name}/${inner}`);
  }
  return names;
}

function isDocument(file: string): boolean {
  return DOCUMENTS.has(extname(file).toLowerCase());
}

function documentsFirst(files: readonly string[]): string[] {
  return [...files.filter(isDocument), ...files.filter((file) => !isDocument(file))];
}

async function takeTexts(files: readonly string[], limits: CorpusLimits) {
  const taken: string[] = [];
  let bytes = 0;
  let leftOut = 0;
  for (const file of files) {
    if (taken.length >= limits.files || bytes >= limits.bytes) {
      leftOut += 1;
      continue;
    }
    const size = await textSize(file);
    if (size === undefined) continue;
    taken.push(file);
    bytes += size;
  }
  return { files: taken, bytes, leftOut };
}

/** The size of a file that holds text, as far as its beginning tells; undefined for any other. */
async function textSize(file: string): Promise<number | undefined> {
  let handle: FileHandle | undefined;
  try {
    const { size } = await stat(file);
    if (size === 0 || size > LARGEST_FILE_BYTES) return undefined;
    // What ends like a text is one; the others are looked into.
    if (isDocument(file) || SOURCES.has(extname(file))) return size;
    handle = await open(file);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4096), 0, 4096, 0);
    return buffer.subarray(0, bytesRead).includes(0) ? undefined : size;
  } catch {
    return undefined;
  } finally {
    await handle?.close();
  }
}

/** The beginnings of some of the files, spread over all of them. */
async function samplesOf(files: readonly string[]): Promise<string[]> {
  const step = Math.ceil(files.length / 200);
  const chosen = files.filter((_, index) => index % step === 0);
  const texts = await Promise.all(chosen.map((file) => readFile(file, 'utf8').catch(() => '')));
  return texts.map((text) => text.slice(0, 20_000));
}
