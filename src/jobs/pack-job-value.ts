import { packValue } from '../api/packed-value.ts';
import { GreenroomError } from '../errors.ts';
import { JsonLoss } from '../json/exact-json.ts';

/** The longest input or result of a job, in bytes. */
const MAX_BYTES = 64 * 1024 * 1024;

/** An input, a result, or a chunk of it, as a store keeps it. Throws `E_SERIALIZE` for what cannot be kept, or is longer than 64 MiB. */
export function packJobValue(plugin: string, value: unknown, what: 'input' | 'result' | 'chunk'): Uint8Array {
  const packed = pack(plugin, value, what);
  if (packed.byteLength <= MAX_BYTES) return packed;
  const mib = (packed.byteLength / 2 ** 20).toFixed(1);
  throw new GreenroomError(
    'E_SERIALIZE',
    `The ${what} of a job of "${plugin}" is ${mib} MiB long, and jobs keep at most ${MAX_BYTES / 2 ** 20} MiB. Write it to a file and pass its path.`,
    { plugin },
  );
}

function pack(plugin: string, value: unknown, what: string): Uint8Array {
  try {
    return packValue(value, what);
  } catch (error) {
    if (!(error instanceof JsonLoss)) throw error;
    const message = `The ${what} of a job of "${plugin}" cannot be stored: ${error.message}.`;
    throw new GreenroomError('E_SERIALIZE', message, { plugin, cause: error });
  }
}
