import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SpoolSpace } from './spool-space.ts';

/** Up to how many bytes are kept in memory. */
export const MEMORY_BYTES = 1024 * 1024;

/** Bytes that are put aside: the first in memory, and all of them in a file once there are more than a megabyte. */
export class Spool {
  #chunks: Buffer[] = [];
  #size = 0;
  #file: FileHandle | undefined;
  #folder: string | undefined;
  /** The file is being made. */
  #moving: Promise<void> | undefined;
  #isRemoved = false;
  readonly #space: SpoolSpace;
  /** How many bytes of the space it has. */
  #taken = 0;

  /** @param space what the files of all have together */
  constructor(space: SpoolSpace) {
    this.#space = space;
  }

  /** How many bytes it has. */
  get size(): number {
    return this.#size;
  }

  /**
   * Adds bytes; resolves when they are kept. Rejects with `SpoolFull`, and with what the system says, for example that the
   * disk is full.
   */
  async add(chunk: Buffer): Promise<void> {
    if (this.#file !== undefined) {
      this.#take(chunk.length);
    } else if (this.#size + chunk.length > MEMORY_BYTES) {
      this.#take(this.#size + chunk.length);
      this.#moving = this.#toFile();
      await this.#moving;
    }
    this.#size += chunk.length;
    if (this.#file === undefined) this.#chunks.push(chunk);
    else await this.#file.appendFile(chunk);
  }

  /** The bytes from `start` up to `end`. */
  async *read(start: number, end: number): AsyncGenerator<Buffer> {
    if (this.#file === undefined) {
      yield Buffer.concat(this.#chunks, this.#size).subarray(start, end);
      return;
    }
    let at = start;
    while (at < end) {
      const { bytesRead, buffer } = await this.#file.read(Buffer.alloc(Math.min(65_536, end - at)), { position: at });
      if (bytesRead === 0) throw new Error('A file of this program was cut.');
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  /** Removes what it has kept. Idempotent. */
  async remove(): Promise<void> {
    this.#isRemoved = true;
    // A file that is made after this would be left open, which ends the program in newer versions of Node.
    await this.#moving?.catch(() => {});
    this.#chunks = [];
    const [file, folder] = [this.#file, this.#folder];
    this.#folder = undefined;
    await file?.close().catch(() => {});
    if (folder !== undefined) await removeFolder(folder);
    this.#space.give(this.#taken);
    this.#taken = 0;
  }

  #take(bytes: number): void {
    if (this.#isRemoved) throw new Error('The bytes were removed.');
    this.#space.take(bytes);
    this.#taken += bytes;
  }

  async #toFile(): Promise<void> {
    if (this.#isRemoved) throw new Error('The bytes were removed.');
    // Node makes such folders with mode 0700.
    const folder = await mkdtemp(join(tmpdir(), 'greenroom-upload-'));
    this.#folder = folder;
    const file = await open(join(folder, 'body'), 'wx+', 0o600);
    this.#file = file;
    // Of a file without a name nothing is left, however this program ends. On Windows an open file keeps its name.
    if (process.platform !== 'win32') await removeFolder(folder);
    for (const chunk of this.#chunks) await file.appendFile(chunk);
    this.#chunks = [];
  }
}

async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true }).catch(() => {});
}
