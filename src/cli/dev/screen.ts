import { printable } from '../../text/printable.ts';
import { textWidth } from '../terminal/text-width.ts';

/** The lower part of a terminal, drawn anew again and again, below lines that stay. */
export class Screen {
  readonly #stream: NodeJS.WriteStream;
  /** The lines that can be taken away again. */
  #drawn: readonly string[] = [];

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  /** How many lines can be drawn and taken away again: what has left the terminal at the top is out of reach. */
  get rows(): number {
    return Math.max(3, (this.#stream.rows || 24) - 1);
  }

  /** How wide a line may be. The last column stays empty: some terminals go to the next line when it is written to. */
  get columns(): number {
    return (this.#stream.columns || 80) - 1;
  }

  /** Draws these lines in place of the ones before; they must be no wider than {@link columns}. */
  draw(lines: readonly string[]): void {
    const shown = lines.slice(0, this.rows);
    this.#stream.write(this.#back() + shown.map((line) => `${printable(line)}\n`).join(''));
    this.#drawn = shown;
  }

  /** Writes a line that stays, above what is drawn, which is drawn anew by the next `draw`. */
  say(line: string): void {
    this.#stream.write(`${this.#back()}${printable(line)}\n`);
    this.#drawn = [];
  }

  /** A terminal that was made narrower meanwhile has broken what was drawn into more lines. */
  #back(): string {
    const width = this.#stream.columns || 80;
    const rows = this.#drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(textWidth(line) / width)), 0);
    // What has left the terminal at the top is out of reach.
    const reach = Math.min(rows, (this.#stream.rows || 24) - 1);
    return rows === 0 ? '' : `\u001b[${reach}A\r\u001b[J`;
  }
}
