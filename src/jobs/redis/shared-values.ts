import { randomUUID } from 'node:crypto';
import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GreenroomError, messageOf } from '../../errors.ts';
import { makeFolder } from '../../files/make-folder.ts';

/** Up to this length a value is kept in Redis, in bytes: a longer one would hold up everybody else. */
const MAX_IN_REDIS = 1024 * 1024;

/** After how long a file that no job names is one that none will name, in milliseconds: clocks may differ, and Redis be away. */
const OLD_MS = 86_400_000;

/** A file that has not been written to for long, and the job that it is of. */
export interface OldValue {
  readonly name: string;
  readonly job: string;
}

/**
 * The values of jobs that are too long for Redis: files in a folder that all nodes share, which only their owner may read.
 * Each fleet has a folder of its own in it, as two may have been given the same one.
 */
export class SharedValues {
  readonly #folder: string | undefined;
  readonly #fleet: string;

  /**
   * Throws what the file system throws.
   *
   * @param fleet what tells the fleet from others, as the name of a folder
   */
  constructor(folder: string | undefined, fleet: string) {
    this.#folder = folder;
    this.#fleet = fleet;
    if (folder !== undefined) makeFolder(join(folder, fleet), 0o700);
  }

  /**
   * Writes a value to a file where it needs one; resolves to the file's name once the disk has it, and to undefined where
   * it needs none. Rejects with `E_SERIALIZE` where there is no folder, and with `E_JOB_STORE` where it cannot be written.
   *
   * @param what it is, as in "the result of the job ID"
   */
  async keep(what: string, base: string, value: Uint8Array): Promise<string | undefined> {
    if (value.byteLength <= MAX_IN_REDIS) return undefined;
    if (this.#folder === undefined) throw tooLong(what, value.byteLength);
    const name = `${this.#fleet}/${base}`;
    const file = join(this.#folder, name);
    const draft = `${file}.${randomUUID()}.draft`;
    try {
      const handle = await open(draft, 'w', 0o600);
      try {
        await handle.writeFile(value);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(draft, file);
    } catch (cause) {
      await rm(draft, { force: true }).catch(() => {});
      throw unusable(name, 'written', cause);
    }
    return name;
  }

  /** The value of a file. Rejects with `E_JOB_STORE` where this program cannot read it. */
  async read(name: string): Promise<Uint8Array> {
    try {
      if (this.#folder === undefined) throw new Error('no folder was given');
      return await readFile(join(this.#folder, name));
    } catch (cause) {
      throw unusable(name, 'read', cause);
    }
  }

  /** Removes files that no job needs; those that cannot be are left. */
  async remove(names: readonly string[]): Promise<void> {
    const folder = this.#folder;
    if (folder === undefined) return;
    await Promise.all(names.map((name) => rm(join(folder, name), { force: true }).catch(() => {})));
  }

  /** Files of the fleet that are a day old or older, by name, of the first ones after a name, and the last that was looked at. */
  async oldAfter(after: string, most: number): Promise<{ readonly old: readonly OldValue[]; readonly last: string }> {
    const folder = this.#folder;
    if (folder === undefined) return { old: [], last: '' };
    const all = (await readdir(join(folder, this.#fleet))).map((name) => `${this.#fleet}/${name}`).toSorted();
    const names = all.filter((name) => name > after).slice(0, most);
    const isOld = await Promise.all(
      names.map((name) =>
        stat(join(folder, name)).then(
          ({ mtimeMs }) => Date.now() - mtimeMs >= OLD_MS,
          () => false,
        ),
      ),
    );
    const old = names.filter((_, index) => isOld[index]).map((name) => ({ name, job: jobOf(name) }));
    return { old, last: names.length < most ? '' : (names.at(-1) ?? '') };
  }
}

/** As `SharedValues.keep` calls it. */
function jobOf(name: string): string {
  return name.slice(name.indexOf('/') + 1).split('.', 1)[0] ?? '';
}

function tooLong(what: string, length: number): GreenroomError {
  return new GreenroomError(
    'E_SERIALIZE',
    `${what} is ${(length / 2 ** 20).toFixed(1)} MiB long, and Redis is given at most ${MAX_IN_REDIS / 2 ** 20} MiB. ` +
      'Give all programs a folder that they share (the option values), or pass the path of a file.',
  );
}

function unusable(name: string, done: string, cause: unknown): GreenroomError {
  return new GreenroomError(
    'E_JOB_STORE',
    `The value ${name} cannot be ${done} in the folder that the programs of these jobs share (the option values): ${messageOf(cause)}.`,
    { cause },
  );
}
