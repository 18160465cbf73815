import type { IncomingMessage, ServerResponse } from 'node:http';
import { Busboy } from '@fastify/busboy';
import { GreenroomError, messageOf } from '../errors.ts';
import { MAX_BYTES } from '../json/placed-bytes.ts';
import { readJson } from '../json/read-json.ts';
import { BODY_IDLE_MS, stalledBody, tooLongBody, welcomeBody } from '../server/body.ts';

/** The part that is the rest of the input, as JSON. */
const INPUT = 'input';
const NAMELESS = 'a part has no name';
const LIMITS = {
  fieldNameSize: 256,
  fieldSize: 8 * 1024 * 1024,
  parts: 1_000,
  headerPairs: 32,
  headerSize: 8_192,
} as const;

/**
 * Reads an input with bytes: each file is the field of its name, a part called `input` is JSON of an object with further
 * fields, and any other part is a field of JSON, or text where it is none. A name that comes again makes a list. Rejects
 * with `E_OPTIONS` for what is no such form, and with `UnreadBody` where it is too long or does not come.
 */
export function readMultipart(request: IncomingMessage, response: ServerResponse): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    let form: InstanceType<typeof Busboy>;
    try {
      const headers = { ...request.headers, 'content-type': request.headers['content-type'] ?? '' };
      form = new Busboy({ headers, limits: LIMITS });
    } catch (error) {
      return reject(notRead(messageOf(error)));
    }
    const fields = new Fields();
    let length = 0;
    const end = (error?: Error): void => {
      clearTimeout(timer);
      request.off('data', onData).off('close', onClose).off('error', end);
      request.on('error', () => {});
      if (error === undefined) return;
      request.unpipe(form);
      request.pause();
      form.destroy();
      reject(error);
    };
    const onData = (chunk: Buffer): void => {
      timer.refresh();
      length += chunk.length;
      if (length > MAX_BYTES) end(tooLongBody(MAX_BYTES));
    };
    const onClose = (): void => {
      if (!request.complete) end(new Error('The client has gone.'));
    };
    const timer = setTimeout(() => end(stalledBody()), BODY_IDLE_MS);
    form.on('file', (name: string | undefined, stream) => {
      if (name === undefined) {
        stream.resume();
        return end(notRead(NAMELESS));
      }
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', (error: Error) => end(notRead(error.message)));
      stream.on('end', () => fields.add(name, new Uint8Array(Buffer.concat(chunks))));
    });
    form.on('field', (name: string | undefined, value, _nameCut, valueCut) => {
      if (name === undefined) return end(notRead(NAMELESS));
      if (valueCut)
        return end(notRead(`the part "${name}" has more than ${LIMITS.fieldSize} bytes; send it as a file`));
      try {
        fields.addText(name, value);
      } catch (error) {
        end(error as Error);
      }
    });
    form.on('partsLimit', () => end(notRead(`it has more than ${LIMITS.parts} parts`)));
    form.on('error', (error) => end(notRead(messageOf(error))));
    form.on('finish', () => {
      end();
      resolve(fields.value());
    });
    request.on('data', onData).on('close', onClose).on('error', end);
    welcomeBody(request, response);
    request.pipe(form);
  });
}

/** The fields that have come so far. */
class Fields {
  #base: Record<string, unknown> = {};
  readonly #values = new Map<string, unknown[]>();

  add(name: string, value: unknown): void {
    const values = this.#values.get(name);
    if (values === undefined) this.#values.set(name, [value]);
    else values.push(value);
  }

  /** Throws `E_OPTIONS`. */
  addText(name: string, text: string): void {
    if (name !== INPUT) return this.add(name, jsonOr(text));
    let value: unknown;
    try {
      value = readJson(text);
    } catch (error) {
      throw notRead(`the part "${INPUT}" is not JSON: ${messageOf(error)}`);
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw notRead(`the part "${INPUT}" must be an object in JSON`);
    this.#base = value as Record<string, unknown>;
  }

  value(): Record<string, unknown> {
    const own = [...this.#values].map(([name, values]) => [name, values.length === 1 ? values[0] : values] as const);
    return Object.fromEntries([...Object.entries(this.#base), ...own]);
  }
}

function jsonOr(text: string): unknown {
  try {
    return readJson(text);
  } catch {
    return text;
  }
}

function notRead(why: string): GreenroomError {
  return new GreenroomError('E_OPTIONS', `The form cannot be read: ${why}.`);
}
