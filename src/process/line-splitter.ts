/** Settings of {@link createLineSplitter}. */
export interface LineSplitterOptions {
  /**
   * Takes each line without its end. `complete` is false for a piece of a line that is too long and for a last line that
   * was never ended.
   */
  readonly onLine: (line: string, complete: boolean) => void;
  /** A longer line is handed on in pieces of at most this many bytes. Default 64 KiB. */
  readonly maxLineBytes?: number | undefined;
  /** How many lines {@link LineSplitter.tail} remembers. Default 50. */
  readonly keep?: number | undefined;
}

/** Makes lines of UTF-8 text out of a stream's chunks, however they are cut. */
export interface LineSplitter {
  write(chunk: Uint8Array): void;
  /** The stream has ended: hands on what is left. */
  end(): void;
  /** The last lines, each cut after {@link TAIL_LINE_CHARACTERS} characters. */
  tail(): string[];
}

/** What is remembered of one line for an error's details. */
export const TAIL_LINE_CHARACTERS = 2_000;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** A splitter that holds at most one line of `maxLineBytes`. Lines end with `\n` or `\r\n`; of one that was
 * written over, as progress bars do after a carriage return, the last version counts. */
export function createLineSplitter(options: LineSplitterOptions): LineSplitter {
  const { onLine, maxLineBytes = 64 * 1024, keep = 50 } = options;
  const recent: string[] = [];
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let inPieces = false;
  /** Whether a carriage return has come: more of this line takes the place of what there is. */
  let isOver = false;

  function emit(bytes: Buffer, complete: boolean): void {
    const line = bytes.toString('utf8');
    recent.push(line.length > TAIL_LINE_CHARACTERS ? detachedPrefix(line) : line);
    if (recent.length > keep) recent.shift();
    onLine(line, complete);
  }

  function takePending(): Buffer {
    const bytes = pending.length === 1 && pending[0] !== undefined ? pending[0] : Buffer.concat(pending, pendingBytes);
    pending = [];
    pendingBytes = 0;
    return bytes;
  }

  /** Pieces of a line that is too long leave as soon as it is known to be. */
  function append(part: Buffer): void {
    pending.push(part);
    pendingBytes += part.length;
    if (pendingBytes <= maxLineBytes) return;
    let rest = takePending();
    while (rest.length > maxLineBytes) {
      const cut = characterStart(rest, maxLineBytes);
      emit(rest.subarray(0, cut), false);
      rest = rest.subarray(cut);
      inPieces = true;
    }
    pending.push(rest);
    pendingBytes = rest.length;
  }

  function finishLine(ended: boolean): void {
    const line = takePending();
    isOver = false;
    if (line.length > 0 || (ended && !inPieces)) emit(line, ended && !inPieces);
    inPieces = false;
  }

  /** Takes a part of one line. What is kept of it beyond this call must be copied. */
  function take(part: Buffer): void {
    for (let at = 0; at < part.length; ) {
      const found = part.indexOf(CARRIAGE_RETURN, at);
      const end = found === -1 ? part.length : found;
      if (end > at) {
        if (isOver) takePending();
        isOver = false;
        append(part.subarray(at, end));
      }
      if (found === -1) return;
      isOver = true;
      at = found + 1;
    }
  }

  return {
    write(chunk) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      let start = 0;
      for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, start)) {
        take(bytes.subarray(start, end));
        finishLine(true);
        start = end + 1;
      }
      // Copied, because a small rest would keep the whole chunk in memory.
      if (start < bytes.length) take(Buffer.from(bytes.subarray(start)));
    },
    end: () => finishLine(false),
    tail: () => [...recent],
  };
}

/** The last index at or before `index` that does not cut a UTF-8 character; `index` itself in what is no UTF-8. */
function characterStart(bytes: Buffer, index: number): number {
  for (let at = index; at > index - 4 && at > 0; at--) {
    if (((bytes[at] ?? 0) & 0b1100_0000) !== 0b1000_0000) return at;
  }
  return index;
}

/** A prefix that is a string of its own: V8's slices keep the whole line in memory. */
function detachedPrefix(line: string): string {
  return Buffer.from(line.slice(0, TAIL_LINE_CHARACTERS)).toString('utf8');
}
