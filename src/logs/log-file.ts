import { accessSync, close, constants, open } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino';
import { GreenroomError, messageOf } from '../errors.ts';
import { makeFolder } from '../files/make-folder.ts';
import { shortageIn, systemCodeOf } from '../system-error.ts';
import { shortened } from '../text/shortened.ts';

/** Settings of {@link openPluginLog}. */
export interface PluginLogOptions {
  /** The file; older ones stand beside it as `<file>.1`, `<file>.2`, …, the oldest with the highest number. */
  readonly file: string;
  readonly plugin: string;
  /** A file that has grown to this many bytes is put aside. Default 5 MiB. */
  readonly maxBytes?: number | undefined;
  /** How many files put aside are kept. Default {@link FILES_KEPT}. */
  readonly keep?: number | undefined;
  /** Called once, with the first error of writing; lines are lost from then on until the disk takes them again. */
  readonly onError?: ((error: Error) => void) | undefined;
}

/** The log of one plugin: NDJSON, one object a line with `time`, `plugin`, `msg` and, for output, `stream`. */
export interface PluginLog {
  /** A line that a worker printed; `generation` says which worker. */
  line(stream: 'stdout' | 'stderr', text: string, generation: number): void;
  /** Something that happened to the plugin, with what a program may want to know about it. */
  event(details: Readonly<Record<string, unknown>>, message: string): void;
  /** Resolves when all that was logged so far has been handed to the system, or lost. */
  flush(): Promise<void>;
  /** Flushes and closes the file; later lines are ignored. Idempotent. */
  close(): Promise<void>;
}

/** How many files put aside are kept of a log. */
export const FILES_KEPT = 3;

/** Of a longer line the middle is left out. */
export const MAX_LOG_LINE_CHARACTERS = 16 * 1024;

/** What may wait in memory for a slow disk; beyond it lines are dropped and counted. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** How long lines are dropped after a file could not be opened, before it is tried again. */
const RETRY_OPEN_MS = 1_000;

/** How often it is looked whether the file that is written is still the one at its path, in milliseconds. */
const LOOK_EVERY_MS = 100;

const openFile = promisify(open);

type Destination = ReturnType<typeof destination>;

/**
 * Opens a plugin's log. Its folder is made and checked at once (`E_DATA_DIR`), the file by the first line. Writing
 * never holds up the event loop and never throws.
 */
export function openPluginLog(options: PluginLogOptions): PluginLog {
  prepareFolder(options.file, options.plugin);
  const file = new RotatingFile(options);
  const logger: Logger = pino({ base: { plugin: options.plugin }, timestamp: stdTimeFunctions.isoTime }, file);
  file.onDropped = (lines) => logger.warn({ dropped: lines }, `${lines} lines dropped: the disk was too slow`);
  file.onReplaced = () => logger.warn('The log was deleted or moved by another program; a new one begins here');
  return {
    line(stream, text, generation) {
      logger.info({ stream, generation }, shortened(text, MAX_LOG_LINE_CHARACTERS));
    },
    event(details, message) {
      logger.info(details, shortened(message, MAX_LOG_LINE_CHARACTERS));
    },
    flush: () => file.flush(),
    close: () => file.close(),
  };
}

/**
 * Where pino writes. A file is written to its end and closed before it is put aside, so that a reader that finds a new
 * file knows the old one to be complete. Lines that come meanwhile wait.
 */
class RotatingFile implements DestinationStream {
  onDropped: (lines: number) => void = () => {};
  /** Another file is written from now on, as the former was deleted or moved by another program. */
  onReplaced: () => void = () => {};
  readonly #options: PluginLogOptions;
  readonly #maxBytes: number;
  #current: Destination | undefined;
  /** The first line's opening, or a change of files, under way. */
  #changing: Promise<void> | undefined;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #bytes = 0;
  /** The number of the file that is written, and when it was last looked whether it is still the one at the path. */
  #inode: bigint | undefined;
  #lookedAt = -Infinity;
  #dropped = 0;
  #reported = false;
  #retryAt = 0;
  #closed: Promise<void> | undefined;

  constructor(options: PluginLogOptions) {
    this.#options = options;
    this.#maxBytes = options.maxBytes ?? 5 * 1024 * 1024;
  }

  write(line: string): void {
    if (this.#closed !== undefined) return;
    if (this.#current === undefined) {
      this.#hold(line);
      if (this.#waiting.length > 0) this.#changing ??= this.#open();
      return;
    }
    if (performance.now() - this.#lookedAt >= LOOK_EVERY_MS) {
      this.#changing = this.#look(this.#current);
      this.#current = undefined;
      this.#hold(line);
      return;
    }
    this.#bytes += Buffer.byteLength(line);
    this.#current.write(line);
    if (this.#bytes >= this.#maxBytes) this.#changing = this.#rotate(this.#current);
  }

  async flush(): Promise<void> {
    await this.#changing;
    const current = this.#current;
    if (current === undefined || this.#closed !== undefined) return;
    await new Promise<void>((resolve) => current.flush(() => resolve()));
  }

  close(): Promise<void> {
    this.#closed ??= (async () => {
      await this.#changing;
      if (this.#current !== undefined) await closed(this.#current);
      this.#current = undefined;
    })();
    return this.#closed;
  }

  #hold(line: string): void {
    const bytes = Buffer.byteLength(line);
    if (performance.now() < this.#retryAt || this.#waitingBytes + bytes > MAX_WAITING_BYTES) {
      this.#dropped += 1;
      return;
    }
    this.#waiting.push(line);
    this.#waitingBytes += bytes;
  }

  /** Goes on with the file that is written if it is still the one at the path, which others may delete, move or rotate. */
  async #look(current: Destination): Promise<void> {
    const found = await stat(this.#options.file, { bigint: true }).catch((error: unknown) => error);
    const isGone = systemCodeOf(found) === 'ENOENT';
    if (!isGone && (found instanceof Error || (found as { ino: bigint }).ino === this.#inode)) {
      this.#lookedAt = performance.now();
      this.#go(current);
      if (this.#bytes >= this.#maxBytes) await this.#rotate(current);
      this.#changing = undefined;
      return;
    }
    await closed(current);
    await this.#open();
    this.onReplaced();
  }

  async #open(): Promise<void> {
    try {
      const { file } = this.#options;
      makeFolder(dirname(file), 0o700);
      const fd = await openFile(file, 'a', 0o600);
      try {
        const { size, ino } = await stat(file, { bigint: true });
        this.#bytes = Number(size);
        this.#inode = ino;
      } catch (error) {
        close(fd);
        throw error;
      }
      this.#lookedAt = performance.now();
      this.#use(fd);
    } catch (error) {
      this.#report(error);
      this.#dropped += this.#waiting.length;
      this.#retryAt = performance.now() + RETRY_OPEN_MS;
    }
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#changing = undefined;
  }

  #use(fd: number): void {
    // Without a least length, pino's stream cannot be flushed.
    const current = destination({ dest: fd, sync: false, minLength: 1, maxLength: MAX_WAITING_BYTES });
    current.on('error', (error: unknown) => this.#report(error));
    current.on('drop', () => {
      this.#dropped += 1;
      // After an error the stream writes again only when asked, and a full one refuses lines before it asks itself.
      current.flush();
    });
    current.on('drain', () => this.#reportDropped());
    this.#go(current);
  }

  /** Writes what waits, and all that comes from now on. */
  #go(current: Destination): void {
    this.#current = current;
    for (const line of this.#waiting.splice(0)) {
      this.#bytes += Buffer.byteLength(line);
      current.write(line);
    }
    this.#waitingBytes = 0;
  }

  async #rotate(full: Destination): Promise<void> {
    const { file, keep = FILES_KEPT } = this.#options;
    this.#current = undefined;
    await closed(full);
    try {
      for (let number = keep - 1; number >= 0; number--) {
        await renameIfThere(number === 0 ? file : `${file}.${number}`, `${file}.${number + 1}`);
      }
    } catch (error) {
      this.#report(error);
    }
    await this.#open();
    // Counted from here even where the file could not be put aside, so that this is not tried again for every line.
    this.#bytes = 0;
  }

  #reportDropped(): void {
    if (this.#dropped === 0 || this.#closed !== undefined) return;
    const dropped = this.#dropped;
    this.#dropped = 0;
    this.onDropped(dropped);
  }

  #report(error: unknown): void {
    if (this.#reported) return;
    this.#reported = true;
    this.#options.onError?.(error instanceof Error ? error : new Error(messageOf(error)));
  }
}

/** Ends a stream and resolves when its file is closed; what cannot be written is lost. */
function closed(stream: Destination): Promise<void> {
  return new Promise((resolve) => {
    stream.once('close', () => resolve());
    stream.once('error', () => {
      stream.destroy();
      resolve();
    });
    stream.end();
  });
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}

function prepareFolder(file: string, plugin: string): void {
  const folder = dirname(file);
  try {
    makeFolder(folder, 0o700);
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (cause) {
    // A plugin runs without its log while the disk is full; the log begins once there is space.
    if (shortageIn(cause) !== undefined) return;
    throw new GreenroomError(
      'E_DATA_DIR',
      `The log of plugin "${plugin}" cannot be written: ${messageOf(cause)}. Make ${folder} a folder that this user can ` +
        'write to, or choose another data directory with GREENROOM_HOME.',
      { plugin, cause },
    );
  }
}
