import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { readText } from '../files/file-text.ts';
import { makeFolder } from '../files/make-folder.ts';
import { writeWhole } from '../files/whole-file.ts';
import { printedJson } from '../json/printed-json.ts';
import type { ManifestEntry } from '../manifest/read.ts';
import { safeFileName } from '../text/safe-file-name.ts';

/** What plugins were measured to use, by plugin, manifest and config. Kept in the data directory. */
export interface Footprints {
  /** The most system memory that the plugin used with this manifest and config, in MiB. */
  get(entry: ManifestEntry, config: unknown): number | undefined;
  /** Takes in a measurement in MiB; a smaller one than is known changes nothing. */
  note(entry: ManifestEntry, config: unknown, ramMb: number): void;
}

/** How many configs of one plugin are remembered. */
const MOST_CONFIGS = 16;

const schema = z.record(z.string(), z.number().nonnegative());

/**
 * The footprints that a data directory holds, a file for each plugin, read when it is first asked about. A file that
 * cannot be read counts as empty; the first one that cannot be written is told to `onError`.
 */
export function openFootprints(dataDir: string, onError: (error: unknown) => void): Footprints {
  const folder = join(dataDir, 'footprints');
  const known = new Map<string, Map<string, number>>();
  let reported = false;

  const of = (plugin: string): Map<string, number> => {
    let figures = known.get(plugin);
    if (figures === undefined) {
      figures = read(join(folder, `${safeFileName(plugin)}.json`));
      known.set(plugin, figures);
    }
    return figures;
  };

  return {
    get: (entry, config) => of(entry.manifest.name).get(keyOf(entry, config)),
    note(entry, config, ramMb) {
      const { name } = entry.manifest;
      const figures = of(name);
      const key = keyOf(entry, config);
      if (ramMb <= (figures.get(key) ?? 0)) return;
      figures.delete(key);
      figures.set(key, ramMb);
      for (const oldest of figures.keys()) if (figures.size > MOST_CONFIGS) figures.delete(oldest);
      try {
        makeFolder(folder, 0o700);
        writeWhole(join(folder, `${safeFileName(name)}.json`), `${JSON.stringify(Object.fromEntries(figures))}\n`);
      } catch (error) {
        if (!reported) onError(error);
        reported = true;
      }
    },
  };
}

function read(file: string): Map<string, number> {
  const found = readText(file);
  if (found === null || 'reason' in found) return new Map();
  try {
    return new Map(Object.entries(schema.parse(JSON.parse(found.text))));
  } catch {
    return new Map();
  }
}

/** Other figures in the manifest, another version or another config: what was measured counts no more. */
function keyOf({ manifest: { version, resources } }: ManifestEntry, config: unknown): string {
  const what = printedJson([version, resources, config ?? null]);
  return createHash('sha256').update(what).digest('hex').slice(0, 16);
}
