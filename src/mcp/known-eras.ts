import { dirname, join } from 'node:path';
import { z } from 'zod';
import { readText } from '../files/file-text.ts';
import { makeFolder } from '../files/make-folder.ts';
import { writeWhole } from '../files/whole-file.ts';
import type { Era } from './revisions.ts';

/** How long what was found out about a program counts, in milliseconds: it may have been updated meanwhile. */
const VALID_MS = 24 * 60 * 60 * 1_000;

/** How many programs are remembered. */
const MAX = 1_000;

const foundSchema = z.object({
  era: z.enum(['legacy', 'modern']),
  /** ISO 8601. */
  found_at: z.iso.datetime(),
});

const fileSchema = z.record(z.string(), foundSchema);

type Found = Readonly<z.output<typeof foundSchema>>;

/** What is known of one program. */
export interface KnownEra {
  get(): Era | undefined;
  set(era: Era): void;
}

/**
 * Which era each program speaks, so that it is asked once and not at every start: a server that knows nothing of the
 * question may be silent, or end. It is kept in a file of the data directory for the supervisors to come. A cache, so it
 * never fails: what cannot be read is not there, and what cannot be written counts for this supervisor alone.
 */
export class KnownEras {
  readonly #file: string;
  readonly #now: () => number;
  #found: ReadonlyMap<string, Found> = new Map();

  /** @param now milliseconds since the Unix epoch */
  constructor(dataDir: string, now: () => number = Date.now) {
    this.#file = join(dataDir, 'mcp-eras.json');
    this.#now = now;
  }

  /** @param identity what tells the program from others, and from what it was before */
  of(identity: string): KnownEra {
    return {
      get: () => this.#all().get(identity)?.era,
      set: (era) => this.#set(identity, { era, found_at: new Date(this.#now()).toISOString() }),
    };
  }

  #set(identity: string, found: Found): void {
    const all = [...this.#all().set(identity, found)];
    const latest = all.toSorted(([, a], [, b]) => dateOf(b) - dateOf(a)).slice(0, MAX);
    this.#found = new Map(latest);
    try {
      makeFolder(dirname(this.#file), 0o700);
      writeWhole(this.#file, `${JSON.stringify(Object.fromEntries(latest), undefined, 2)}\n`);
    } catch {
      // The disk may be full or read-only.
    }
  }

  /** What counts now, of this supervisor's and of what others have found out meanwhile: of both, the later. */
  #all(): Map<string, Found> {
    const all = [...this.#found, ...this.#kept()].toSorted(([, a], [, b]) => dateOf(a) - dateOf(b));
    const now = this.#now();
    return new Map(all.filter(([, found]) => dateOf(found) <= now && now - dateOf(found) < VALID_MS));
  }

  #kept(): readonly (readonly [string, Found])[] {
    const read = readText(this.#file);
    if (read === null || 'reason' in read) return [];
    try {
      return Object.entries(fileSchema.parse(JSON.parse(read.text)));
    } catch {
      return [];
    }
  }
}

/** In milliseconds since the Unix epoch. */
function dateOf(found: Found): number {
  return Date.parse(found.found_at);
}
