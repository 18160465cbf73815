import { printable } from './printable.ts';
import { createStyle, type Style } from './style.ts';

/** Where a command prints: its results to standard output, and what is for people to standard error. */
export class Terminal {
  /** Whether a program reads the output. */
  readonly json: boolean;
  readonly out: Style;
  readonly err: Style;
  readonly #left = new AbortController();
  /** Resolves when there is room for more; undefined while there is. */
  #room: Promise<void> | undefined;

  constructor(json: boolean) {
    this.json = json;
    this.out = createStyle(process.stdout);
    this.err = createStyle(process.stderr);
    process.stdout.on('error', () => this.#left.abort());
    process.stderr.on('error', () => {});
  }

  /** Aborted when nobody reads the output any more, as behind `| head -1`: what else there is to say is for nobody. */
  get left(): AbortSignal {
    return this.#left.signal;
  }

  /** Prints a line of the result. Resolves when there is room for more, or nobody is left to read. */
  async print(line: string): Promise<void> {
    const { stdout } = process;
    if (this.left.aborted || stdout.write(`${stdout.isTTY ? printable(line) : line}\n`)) return;
    this.#room ??= this.#untilRoom();
    await this.#room;
  }

  /** Everything that is printed meanwhile waits for the same. */
  async #untilRoom(): Promise<void> {
    const { stdout } = process;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        stdout.off('drain', done);
        this.left.removeEventListener('abort', done);
        resolve();
      };
      stdout.once('drain', done);
      this.left.addEventListener('abort', done);
    });
    this.#room = undefined;
  }

  /** Prints a value as JSON: for programs on one line, for people on several. */
  printJson(value: unknown): Promise<void> {
    return this.print(JSON.stringify(value ?? null, null, this.json ? undefined : 2));
  }

  /** Tells people something; programs do not hear it. */
  note(line: string): void {
    const { stderr } = process;
    if (!this.json) stderr.write(`${stderr.isTTY ? printable(line) : line}\n`);
  }
}
