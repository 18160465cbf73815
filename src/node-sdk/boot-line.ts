import type { Boot } from '../protocol.ts';
import { readNow } from './descriptors.ts';

const NEWLINE = 10;

/**
 * Reads the boot line from this descriptor. It is read synchronously, so that no stream of the main thread ever owns the
 * descriptor: from here on it is the lifeline's. Throws where there is no such line.
 */
export function readBootLine(fd: number): Boot {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = Buffer.allocUnsafe(64 * 1024);
    const length = readNow(fd, chunk);
    if (length === 0) throw new Error('No boot line has come. This program is started by greenroom.');
    const end = chunk.subarray(0, length).indexOf(NEWLINE);
    chunks.push(chunk.subarray(0, end === -1 ? length : end));
    if (end !== -1) return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Boot;
  }
}
