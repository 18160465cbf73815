import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { GreenroomError, messageOf } from '../errors.ts';
import { readText } from '../files/file-text.ts';
import { makeFolder } from '../files/make-folder.ts';
import { writeWhole } from '../files/whole-file.ts';

/** Where a folder keeps which files an import has written into it, and their hashes. */
const RECORD = join('.greenroom', 'imported.json');

const recordSchema = z.object({ files: z.record(z.string(), z.string()) });

/** What writing files into a folder does. Paths are relative to it. */
export interface WritePlan {
  readonly folder: string;
  /** Written, or written again. */
  readonly written: readonly string[];
  /** Already there, as they would be written. */
  readonly unchanged: readonly string[];
  /** Written by an earlier import, and no longer part of it. */
  readonly removed: readonly string[];
  /** There, and not as an import has written them: other people's, or edited since. */
  readonly foreign: readonly string[];
}

/**
 * Finds out what it takes for a folder to have these files, by their paths relative to it, and no others of an earlier
 * import. Throws `E_OPTIONS` for a file that cannot be read.
 */
export function planFiles(folder: string, files: ReadonlyMap<string, string>): WritePlan {
  const former = readRecord(folder);
  const isOurs = (path: string, text: string): boolean => former.get(path) === hashOf(text);
  const plan = { folder, written: [] as string[], unchanged: [] as string[], foreign: [] as string[] };
  for (const [path, text] of files) {
    const found = textOf(folder, path);
    if (found === text) plan.unchanged.push(path);
    else plan.written.push(path);
    if (found !== undefined && found !== text && !isOurs(path, found)) plan.foreign.push(path);
  }
  const left = [...former.keys()].filter((path) => !files.has(path));
  const removed = left.filter((path) => {
    const found = textOf(folder, path);
    return found !== undefined && isOurs(path, found);
  });
  return { ...plan, removed };
}

/** Carries a plan out. Throws `E_OPTIONS` for what cannot be written; what was written before stays. */
export function writeFiles({ folder, written, removed }: WritePlan, files: ReadonlyMap<string, string>): void {
  try {
    for (const path of written) {
      makeFolder(dirname(join(folder, path)));
      writeWhole(join(folder, path), files.get(path) ?? '');
    }
    for (const path of removed) rmSync(join(folder, path), { force: true });
    const record = { files: Object.fromEntries([...files].map(([path, text]) => [path, hashOf(text)])) };
    makeFolder(dirname(join(folder, RECORD)));
    writeWhole(join(folder, RECORD), `${JSON.stringify(record, undefined, 2)}\n`);
  } catch (error) {
    throw new GreenroomError('E_OPTIONS', `Nothing can be written into ${folder}: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}

/** The hashes by paths. A record that cannot be used counts as absent: then nothing is replaced. */
function readRecord(folder: string): ReadonlyMap<string, string> {
  const text = textOf(folder, RECORD);
  if (text === undefined) return new Map();
  try {
    return new Map(Object.entries(recordSchema.parse(JSON.parse(text)).files));
  } catch {
    return new Map();
  }
}

function textOf(folder: string, path: string): string | undefined {
  const file = join(folder, path);
  const found = readText(file);
  if (found === null) return undefined;
  if ('text' in found) return found.text;
  throw new GreenroomError('E_OPTIONS', `${file} ${found.reason}.`, { cause: found.cause });
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
