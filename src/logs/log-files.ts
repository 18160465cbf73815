import { FILES_KEPT } from './log-file.ts';
import { timeOf } from './log-line.ts';
import { type OpenLog, openLog } from './open-log.ts';

/** Where a line of a log begins. It stays valid when the file is put aside, until the file is deleted. */
export interface LogPlace {
  /** The inode of the file. */
  readonly file: string;
  /** In bytes. */
  readonly offset: number;
}

/** A line of a log, which is a record of JSON, and where it begins. */
export interface PlacedRecord extends LogPlace {
  readonly record: string;
}

/** The end of a line in one of the files, by the place of the file among them. */
interface Spot {
  readonly index: number;
  readonly offset: number;
}

/** A file of a log, up to where it is read. */
interface SizedLog extends OpenLog {
  readonly size: number;
}

const BLOCK_BYTES = 64 * 1024;
const LINE_END = 0x0a;
const NOTHING = Buffer.alloc(0);

/**
 * The files of one plugin's log, held open from the newest to the oldest that is kept, so that lines are read from any
 * time or place in both directions while the log goes on and its files are put aside. Half a line at the end is left out.
 */
export class LogFiles {
  /** Whether as many files are there as are kept: older ones have been deleted. */
  readonly isFull: boolean;
  /** The oldest first. */
  readonly #files: readonly SizedLog[];

  private constructor(files: readonly SizedLog[]) {
    this.#files = files;
    this.isFull = files.length > FILES_KEPT;
  }

  /** Opens what there is of the log; nothing need be there. Rejects with `E_DATA_DIR` where it cannot be read. */
  static async open(file: string): Promise<LogFiles> {
    const files: SizedLog[] = [];
    try {
      // All the numbers: while files are put aside, one of them is missing, and one may be met twice.
      for (let number = 0; number <= FILES_KEPT; number += 1) {
        const log = await openLog(number === 0 ? file : `${file}.${number}`);
        if (log === undefined) continue;
        if (files.some(({ inode }) => inode === log.inode)) await log.handle.close();
        else files.unshift({ ...log, size: (await log.handle.stat()).size });
      }
      return new LogFiles(files);
    } catch (error) {
      await closeAll(files);
      throw error;
    }
  }

  close(): Promise<void> {
    return closeAll(this.#files);
  }

  /** The end of the log. */
  get end(): Spot {
    const index = Math.max(0, this.#files.length - 1);
    return { index, offset: this.#files[index]?.size ?? 0 };
  }

  /** Before the line at a place; undefined where its file is no longer there. */
  spotOf({ file, offset }: LogPlace): Spot | undefined {
    const index = this.#files.findIndex(({ inode }) => String(inode) === file);
    // A file that was cut short has other lines now.
    return index === -1 || offset > (this.#files[index] as SizedLog).size ? undefined : { index, offset };
  }

  /**
   * After the last line that was logged at this time or before, in milliseconds since the epoch. Found by halves: few
   * blocks are read. Where the clock was set back, it is one of the places that fit.
   */
  async spotAt(time: number): Promise<Spot> {
    for (let index = this.#files.length - 1; index > 0; index -= 1) {
      const first = await this.#firstTime(index, 0);
      if (first !== undefined && first.at <= time) return this.#spotWithin(index, time);
    }
    return this.#spotWithin(0, time);
  }

  /** The lines before a spot, a block at a time: the later blocks first, in each the earlier line first. */
  async *before(spot: Spot): AsyncGenerator<readonly PlacedRecord[], void, undefined> {
    for (let index = spot.index; index >= 0; index -= 1) {
      const log = this.#files[index];
      if (log === undefined) continue;
      let end = index === spot.index ? spot.offset : log.size;
      // The end of a line that begins in an earlier block.
      let rest: Buffer = NOTHING;
      while (end > 0) {
        const size = Math.min(BLOCK_BYTES, end);
        const bytes = Buffer.concat([await readAt(log, end - size, size), rest]);
        end -= size;
        const first = end === 0 ? 0 : bytes.indexOf(LINE_END) + 1;
        rest = end > 0 && first === 0 ? bytes : bytes.subarray(0, first);
        if (end === 0 || first > 0) yield recordsIn(log, bytes.subarray(first), end + first);
      }
    }
  }

  /** The lines after a spot, a block at a time. */
  async *after(spot: Spot): AsyncGenerator<readonly PlacedRecord[], void, undefined> {
    for (let index = spot.index; index < this.#files.length; index += 1) {
      yield* forward(this.#files[index] as SizedLog, index === spot.index ? spot.offset : 0);
    }
  }

  async #spotWithin(index: number, time: number): Promise<Spot> {
    const log = this.#files[index];
    if (log === undefined) return this.end;
    // The line at `low` is not after the time, unless it is the first; those that begin at `high` or later are.
    let [low, high] = [0, log.size];
    while (high - low > BLOCK_BYTES) {
      const middle = (low + high) >>> 1;
      const found = await this.#firstTime(index, middle);
      if (found !== undefined && found.offset < high && found.at <= time) low = found.offset;
      else high = middle;
    }
    let offset = low;
    for await (const records of forward(log, low)) {
      for (const record of records) {
        const at = timeOf(record.record);
        if (at !== undefined && at > time) return { index, offset: record.offset };
        offset = record.offset + Buffer.byteLength(record.record) + 1;
      }
    }
    return { index, offset };
  }

  /** The first line with a time that begins at this byte or later. */
  async #firstTime(index: number, from: number): Promise<{ readonly offset: number; readonly at: number } | undefined> {
    // From the byte before, which ends a line where one begins here.
    const start = Math.max(0, from - 1);
    for await (const records of forward(this.#files[index] as SizedLog, start)) {
      for (const { record, offset } of records) {
        const at = offset < from ? undefined : timeOf(record);
        if (at !== undefined) return { offset, at };
      }
    }
    return undefined;
  }
}

/** The lines of one file from a byte on, the first of which may be a part. */
async function* forward(log: SizedLog, from: number): AsyncGenerator<readonly PlacedRecord[], void, undefined> {
  let start = from;
  let rest: Buffer = NOTHING;
  for (;;) {
    const block = await readAt(log, start + rest.length, BLOCK_BYTES);
    if (block.length === 0) return;
    const bytes = Buffer.concat([rest, block]);
    const end = bytes.lastIndexOf(LINE_END) + 1;
    yield recordsIn(log, bytes.subarray(0, end), start);
    rest = bytes.subarray(end);
    start += end;
  }
}

async function readAt({ handle }: OpenLog, position: number, size: number): Promise<Buffer> {
  const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(size), 0, size, position);
  return buffer.subarray(0, bytesRead);
}

/** The complete lines in bytes that begin at `start`. */
function recordsIn({ inode }: OpenLog, bytes: Buffer, start: number): PlacedRecord[] {
  const file = String(inode);
  const records: PlacedRecord[] = [];
  let from = 0;
  for (let end = bytes.indexOf(LINE_END); end !== -1; end = bytes.indexOf(LINE_END, from)) {
    records.push({ file, offset: start + from, record: bytes.toString('utf8', from, end) });
    from = end + 1;
  }
  return records;
}

async function closeAll(files: readonly OpenLog[]): Promise<void> {
  await Promise.all(files.map(({ handle }) => handle.close()));
}
