import { GreenroomError, messageOf, type RemoteError } from '../errors.ts';
import { writeJson } from '../json/exact-json.ts';
import { readJson } from '../json/read-json.ts';
import { shortened } from '../text/shortened.ts';

/** An error as a store keeps it: the fields of a `GreenroomError` as plain data. */
export interface StoredError {
  readonly code: GreenroomError['code'];
  readonly message: string;
  readonly plugin?: string | undefined;
  readonly remote?: RemoteError | undefined;
  readonly details?: unknown;
}

/** How long the text of one error may be, in characters. */
const MAX_TEXT = 64 * 1024;

/** An error as text for a store: JSON, without details that JSON does not carry or that are too long. */
export function errorText(error: unknown): string {
  const stored = storedError(error);
  for (const reduced of [stored, { ...stored, details: undefined }, withoutRemoteDetails(stored)]) {
    try {
      const text = writeJson(reduced, 'error') ?? '{}';
      if (text.length <= MAX_TEXT) return text;
    } catch {
      // What a plugin attaches may be anything.
    }
  }
  const { code, plugin, message } = stored;
  return JSON.stringify({ code, plugin, message: shortened(message, MAX_TEXT / 8) });
}

function storedError(error: unknown): StoredError {
  if (!(error instanceof GreenroomError)) return { code: 'E_JOB', message: messageOf(error) };
  const { code, message, plugin, remote, details } = error;
  return { code, message, plugin, remote, details };
}

function withoutRemoteDetails({ code, message, plugin, remote }: StoredError): StoredError {
  if (remote === undefined) return { code, message, plugin };
  return { code, message, plugin, remote: { ...remote, details: undefined } };
}

/** What {@link errorText} wrote. */
export function readError(text: string): StoredError {
  return readJson(text) as StoredError;
}

/** The error again, to be thrown. */
export function rebuiltError({ code, message, plugin, remote, details }: StoredError): GreenroomError {
  return new GreenroomError(code, message, { plugin, remote, details: details as undefined });
}
