import { createHash } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { GreenroomError, messageOf } from '../errors.ts';
import { readText } from '../files/file-text.ts';
import { makeFolder } from '../files/make-folder.ts';
import { realPath } from '../files/real-path.ts';
import { writeWhole } from '../files/whole-file.ts';
import type { McpConfigContent } from './read-config.ts';

const trustedSchema = z.object({
  /** The real path, without symbolic links. */
  file: z.string(),
  /** The real path of the folder in which its servers run: a link to a trusted file must not run another folder's programs. */
  workspace: z.string(),
  sha256: z.string(),
  /** The hash of each environment file, by its real path; null for one that could not be read. */
  env_files: z.record(z.string(), z.string().nullable()),
  /** ISO 8601. */
  trusted_at: z.string(),
});

const recordSchema = z.object({ files: z.array(trustedSchema) });

/** A project's file that may run its servers. */
export type TrustedFile = Readonly<z.output<typeof trustedSchema>>;

/** Whether a file's servers may be run; else why not, as the rest of a sentence that begins with the file. */
export type Verdict = { readonly trusted: true } | { readonly trusted: false; readonly reason: string };

/** The files of projects that may run their servers. */
export interface TrustStore {
  /** Whether the servers of a file may be run. The user's own files always may. Never throws: what cannot be told is not trusted. */
  isTrusted(content: McpConfigContent): Verdict;
  /**
   * Trusts a project's file with the content that was read, which is what its user has seen. Throws `E_DATA_DIR` where that
   * cannot be kept.
   */
  trust(content: McpConfigContent): TrustedFile;
  /** Trusts a file no more, whatever its content. Returns whether it was trusted. Throws `E_DATA_DIR`. */
  distrust(path: string): boolean;
  /** Every file that is trusted, also those that have changed since. Throws `E_DATA_DIR`. */
  list(): readonly TrustedFile[];
}

/** The file of a data directory that holds which files are trusted. */
export function trustFile(dataDir: string): string {
  return join(dataDir, 'mcp-trusted.json');
}

/**
 * Opens the store of a data directory. It is read at each use, so that what another process trusts counts at once.
 *
 * The environment files of a configuration are part of what is trusted: a variable such as NODE_OPTIONS or LD_PRELOAD runs
 * programs as well as a command does.
 *
 * @param now milliseconds since the Unix epoch
 */
export function trustStore(dataDir: string, now: () => number = Date.now): TrustStore {
  const store = trustFile(dataDir);
  const write = (files: readonly TrustedFile[]): void => {
    try {
      makeFolder(dirname(store), 0o700);
      writeWhole(store, `${JSON.stringify({ files }, undefined, 2)}\n`);
    } catch (error) {
      throw unusable(store, `cannot be written: ${messageOf(error)}. Make the data directory writable.`, error);
    }
  };
  return {
    isTrusted(content) {
      const { file } = content;
      if (file.scope === 'user') return { trusted: true };
      try {
        const found = readStore(store).find((each) => isSame(each, keyOf(content)));
        const reason = found === undefined ? untrustedText(file.path) : changeSince(found, content);
        return reason === undefined ? { trusted: true } : { trusted: false, reason };
      } catch (error) {
        return { trusted: false, reason: `is not trusted, as nothing is: ${messageOf(error)}` };
      }
    },
    trust(content) {
      const key = keyOf(content);
      const trusted = { ...key, ...hashesOf(content), trusted_at: new Date(now()).toISOString() };
      write([...readStore(store).filter((each) => !isSame(each, key)), trusted]);
      return trusted;
    },
    distrust(path) {
      const former = readStore(store);
      const left = former.filter(({ file }) => file !== realPath(path));
      if (left.length < former.length) write(left);
      return left.length < former.length;
    },
    list: () => readStore(store),
  };
}

type Key = Pick<TrustedFile, 'file' | 'workspace'>;

function keyOf({ file, workspace }: McpConfigContent): Key {
  const real = realPath(file.path);
  return { file: real, workspace: workspace ?? dirname(real) };
}

function isSame(a: Key, b: Key): boolean {
  return a.file === b.file && a.workspace === b.workspace;
}

function hashesOf({ text, envFiles }: McpConfigContent): Pick<TrustedFile, 'sha256' | 'env_files'> {
  const hashes = [...envFiles].map(
    ([path, each]) => [realPath(path), each === undefined ? null : hashOf(each)] as const,
  );
  return { sha256: hashOf(text), env_files: Object.fromEntries(hashes) };
}

/** What is no more as it was trusted; undefined where nothing is. */
function changeSince({ file, sha256, env_files: former, trusted_at: date }: TrustedFile, content: McpConfigContent) {
  const now = hashesOf(content);
  const paths = new Set([...Object.keys(former), ...Object.keys(now.env_files)]);
  const changed = [...paths].find((path) => former[path] !== now.env_files[path]);
  const next = `Look at it, then run: greenroom mcp trust ${JSON.stringify(file)}`;
  if (sha256 !== now.sha256) return `has changed since it was trusted on ${day(date)}. ${next}`;
  if (changed !== undefined) return `uses ${changed}, which has changed since it was trusted on ${day(date)}. ${next}`;
  return undefined;
}

function untrustedText(path: string): string {
  return `is not trusted: it came with a project, and would run programs. Look at it, then run: greenroom mcp trust ${JSON.stringify(path)}`;
}

function day(date: string): string {
  return date.slice(0, 10);
}

function readStore(store: string): readonly TrustedFile[] {
  const found = readText(store);
  if (found === null) return [];
  if ('reason' in found) throw unusable(store, `${found.reason}.`, found.cause);
  const owner = foreignText(store);
  if (owner !== undefined) throw unusable(store, `${owner}. Remove it, and trust again what you trust.`);
  try {
    return recordSchema.parse(JSON.parse(found.text)).files;
  } catch (error) {
    throw unusable(store, 'does not say which files are trusted. Remove it, and trust again what you trust.', error);
  }
}

/** What somebody else may have written trusts nothing. */
function foreignText(store: string): string | undefined {
  const stats = lstatSync(store);
  if (!stats.isFile()) return 'is a symbolic link';
  if (process.platform === 'win32') return undefined;
  if (stats.uid !== process.getuid?.()) return `belongs to another user, ${stats.uid}`;
  const mode = (stats.mode & 0o777).toString(8).padStart(4, '0');
  return (stats.mode & 0o022) === 0 ? undefined : `has mode ${mode}, so that others may write it`;
}

function unusable(store: string, fault: string, cause?: unknown): GreenroomError {
  return new GreenroomError('E_DATA_DIR', `The file of trusted configurations ${store} ${fault}`, { cause });
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
