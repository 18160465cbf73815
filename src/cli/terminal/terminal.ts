import { printedJson } from '../../json/printed-json.ts';
import { printable } from '../../text/printable.ts';
import { systemClock } from '../../time/clock.ts';
import { createStyle, type Style } from './style.ts';

/** So many bytes may wait for the reader of what is only reported; beyond them lines are dropped and counted. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

/** How long a command that was interrupted waits for its output to be taken, in milliseconds. */
const HURRIED_FLUSH_MS = 2_000;

/** The errors by which a pipe or a socket says that nobody reads it any more. */
const READER_GONE: ReadonlySet<unknown> = new Set(['EPIPE', 'ECONNRESET', 'EOF']);

/** Where a command prints: its results to standard output, and what is for people to standard error. */
export class Terminal {
  /** Whether a program reads the output. */
  readonly json: boolean;
  readonly out: Style;
  readonly err: Style;
  readonly #left = new AbortController();
  /** Aborted when nothing is to wait for the reader any more: it has left, or the command was interrupted. */
  readonly #unwaited = new AbortController();
  #isHurried = false;
  /** Resolves when the output takes more; undefined while it does. */
  #drained: Promise<void> | undefined;
  /** How many lines were dropped since the reader fell too far behind; undefined while it has not. */
  #dropped: number | undefined;
  #failure: Error | undefined;

  constructor(json: boolean) {
    this.json = json;
    const { stdout, stderr } = process;
    this.out = createStyle(stdout);
    this.err = createStyle(stderr);
    stdout.on('error', (error: NodeJS.ErrnoException) => {
      // A terminal that was closed says so by an error of input and output.
      const isGone = READER_GONE.has(error.code) || (stdout.isTTY && error.code === 'EIO');
      if (!isGone && !this.left.aborted) this.#failure = error;
      this.#left.abort();
      this.#unwaited.abort();
    });
    stderr.on('error', () => {});
  }

  /**
   * Aborted when nothing that is printed arrives any more, as behind `| head -1` or on a full disk: what else there is
   * to say is for nobody.
   */
  get left(): AbortSignal {
    return this.#left.signal;
  }

  /** Why the output cannot be written, where it is not that nobody reads it any more. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** How wide a line of the result may be: as the terminal, and without end elsewhere. */
  get columns(): number {
    const { stdout } = process;
    return stdout.isTTY ? Math.max(40, stdout.columns || 80) : Number.POSITIVE_INFINITY;
  }

  /** Prints a line of the result. Resolves when the output takes more, or nothing waits for the reader any more. */
  async print(line: string): Promise<void> {
    this.#tellDropped();
    if (this.left.aborted || this.#write(line) || this.#unwaited.signal.aborted) return;
    this.#drained ??= this.#untilDrained();
    await this.#drained;
  }

  /**
   * Prints a line of what goes on whether it is read or not. Where the reader is too far behind, lines are dropped until
   * it has caught up, and it is told how many.
   */
  report(line: string): void {
    const { stdout } = process;
    if (this.#dropped !== undefined) {
      this.#dropped += 1;
    } else if (stdout.writableLength < MAX_WAITING_BYTES) {
      void this.print(line);
    } else {
      this.#dropped = 1;
      stdout.once('drain', () => this.#tellDropped());
    }
  }

  /** Prints a value as JSON: for programs on one line, for people on several. Bytes are printed as base64. */
  printJson(value: unknown): Promise<void> {
    return this.print(printedJson(value, this.json ? 0 : 2));
  }

  /** Tells people something; programs do not hear it. */
  note(line: string): void {
    if (!this.json) this.alert(line);
  }

  /** Tells people something that a program that reads the output cannot be told on it. */
  alert(line: string): void {
    const { stderr } = process;
    stderr.write(`${stderr.isTTY ? printable(line) : line}\n`);
  }

  /** From now on nothing waits for the reader: the command was interrupted. */
  hurry(): void {
    this.#isHurried = true;
    this.#unwaited.abort();
  }

  /** Resolves when all that was printed was taken or is lost; after {@link hurry} to false where that takes too long. */
  flush(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = this.#isHurried ? systemClock.setTimeout(() => resolve(false), HURRIED_FLUSH_MS) : undefined;
      process.stdout.write('', () => {
        systemClock.clearTimeout(timer);
        resolve(true);
      });
    });
  }

  #write(line: string): boolean {
    const { stdout } = process;
    return stdout.write(`${stdout.isTTY ? printable(line) : line}\n`);
  }

  /** Everything that is printed meanwhile waits for the same. */
  async #untilDrained(): Promise<void> {
    const { stdout } = process;
    const { signal } = this.#unwaited;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        stdout.off('drain', done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      stdout.once('drain', done);
      signal.addEventListener('abort', done);
    });
    this.#drained = undefined;
  }

  #tellDropped(): void {
    const count = this.#dropped;
    if (count === undefined) return;
    this.#dropped = undefined;
    const text = `${count === 1 ? 'One line was' : `${count} lines were`} dropped: this output is read too slowly`;
    void this.print(this.json ? JSON.stringify({ type: 'dropped', count }) : text);
  }
}
