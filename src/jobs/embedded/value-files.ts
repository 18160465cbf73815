import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../../files/make-folder.ts';
import { writeDurable } from './write-durable.ts';

/** Up to this length a value stands in its row, in bytes: longer ones would be copied with each page of the log. */
const MAX_IN_ROW = 32 * 1024;

/** A value as its row has it: null where a file has it, and a text where it is no bytes at all. */
export type ValueInRow = Uint8Array | '' | null;

/** Which value of a job. */
export type ValueKind = 'input' | 'result';

/**
 * The long values of jobs, a file each beside the database that only its owner may read. A file is written before the row
 * that needs it and removed after that row; what is left of a program that ended between the two is removed at the next start.
 */
export class ValueFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    makeFolder(folder, 0o700);
  }

  /** What the row gets: the value, or null where it is kept in a file. */
  keep(id: string, kind: ValueKind, value: Uint8Array): ValueInRow {
    // SQLite of Node 22 makes null of bytes that are none.
    if (value.byteLength === 0) return '';
    if (value.byteLength <= MAX_IN_ROW) return value;
    writeDurable(this.#path(id, kind), value);
    return null;
  }

  /** The value of a row again. Throws what the file system throws. */
  read(id: string, kind: ValueKind, inRow: ValueInRow): Uint8Array {
    if (inRow === '') return new Uint8Array();
    return inRow ?? readFileSync(this.#path(id, kind));
  }

  remove(id: string, kind: ValueKind): void {
    rmSync(this.#path(id, kind), { force: true });
  }

  /** Removes the files that no row needs. */
  sweep(isNeeded: (id: string, kind: ValueKind) => boolean): void {
    for (const name of readdirSync(this.#folder)) {
      const [id = '', kind = ''] = name.split('.', 2);
      if (name.split('.').length === 2 && (kind === 'input' || kind === 'result') && isNeeded(id, kind)) continue;
      rmSync(join(this.#folder, name), { force: true });
    }
  }

  #path(id: string, kind: ValueKind): string {
    return join(this.#folder, `${id}.${kind}`);
  }
}
