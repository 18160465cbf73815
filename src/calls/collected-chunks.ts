import { GreenroomError } from '../errors.ts';
import { printedJson } from '../json/printed-json.ts';
import { shortened } from '../text/shortened.ts';
import type { Progress } from './call-options.ts';

/** How much of each chunk its progress shows, in characters. */
const SHOWN_CHUNK = 1_000;

/** What the chunks of one call may come to, in bytes: as much as a job keeps of its result. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * The chunks of a plugin's stream as a list; each is told as progress, as it comes. Rejects as the stream does, and with
 * `E_SERIALIZE` where they come to more than 64 MiB: the stream is left then, which cancels its call.
 */
export async function collectedChunks(
  plugin: string,
  stream: AsyncIterable<unknown>,
  tell: (progress: Progress) => void,
): Promise<unknown[]> {
  const chunks: unknown[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const { bytes, message } = measured(chunk);
    length += bytes;
    if (length > MAX_BYTES) throw tooLong(plugin);
    chunks.push(chunk);
    tell({ progress: -1, message });
  }
  return chunks;
}

/** About how long a chunk is, and what is shown of it. */
function measured(chunk: unknown): { readonly bytes: number; readonly message: string } {
  if (chunk instanceof Uint8Array) return { bytes: chunk.byteLength, message: `${chunk.byteLength} bytes` };
  const text = typeof chunk === 'string' ? chunk : printedJson(chunk);
  return { bytes: Buffer.byteLength(text), message: shortened(text, SHOWN_CHUNK) };
}

function tooLong(plugin: string): GreenroomError {
  return new GreenroomError(
    'E_SERIALIZE',
    `The call was cancelled: the chunks that "${plugin}" has streamed are longer than ${MAX_BYTES / 2 ** 20} MiB, and so much is gathered to one result. Ask for less, or write to a file and stream its path.`,
    { plugin },
  );
}
