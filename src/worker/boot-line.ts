import type { Boot } from '../protocol.ts';

const { readSync } = process.getBuiltinModule('node:fs');

const NEWLINE = 10;
/** How long to wait where the host handed over a non-blocking stdin, in milliseconds. */
const RETRY_MS = 1;

/**
 * Reads the boot line from standard input. It is read synchronously, so that no stream of the main thread ever owns the
 * descriptor: from here on it is the lifeline's. Throws where there is no such line.
 */
export function readBootLine(): Boot {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = Buffer.allocUnsafe(64 * 1024);
    const length = readChunk(chunk);
    if (length === 0)
      throw new Error('Standard input ended before the boot line. This program is started by greenroom.');
    const end = chunk.subarray(0, length).indexOf(NEWLINE);
    chunks.push(chunk.subarray(0, end === -1 ? length : end));
    if (end !== -1) return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Boot;
  }
}

function readChunk(into: Buffer): number {
  for (;;) {
    try {
      return readSync(0, into);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}
