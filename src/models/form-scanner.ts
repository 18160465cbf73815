import { BadModelRequest } from './failure.ts';

/** The value of a field of a form, and its place in bytes from the beginning of the body. */
export interface FormValue {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const MAX_HEAD_BYTES = 16 * 1024;
const MAX_VALUE_BYTES = 4 * 1024;
const LINE_END = Buffer.from('\r\n');
const HEAD_END = Buffer.from('\r\n\r\n');

/**
 * Looks for one field in a `multipart/form-data` body as it comes (RFC 7578). Where the value stands is wanted, to put
 * another in its place, and that no library tells.
 */
export class FormScanner {
  readonly #field: string;
  readonly #delimiter: Buffer;
  /** What was not looked at yet, and where in the body it begins. The first delimiter has no line end before it. */
  #rest: Buffer = LINE_END;
  #at = -LINE_END.length;
  /** Within the head of a part, within the wanted value, within what is passed over, or behind the last part. */
  #place: 'head' | 'value' | 'other' | 'end' = 'other';

  constructor(boundary: string, field: string) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`);
    this.#field = field;
  }

  /** Takes the next bytes; gives the value once all of it was seen. Throws {@link BadModelRequest} for what is no form. */
  push(chunk: Buffer): FormValue | undefined {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (;;) {
      if (this.#place === 'end') return undefined;
      if (this.#place === 'head') {
        if (!this.#readHead()) return undefined;
        continue;
      }
      const end = this.#rest.indexOf(this.#delimiter);
      if (end < 0) {
        this.#await();
        return undefined;
      }
      if (this.#place === 'value')
        return { text: this.#rest.toString('utf8', 0, end), start: this.#at, end: this.#at + end };
      this.#skip(end + this.#delimiter.length);
      this.#place = 'head';
    }
  }

  /** Keeps what may be the beginning of a delimiter, or of the value. */
  #await(): void {
    if (this.#place === 'other') this.#skip(Math.max(0, this.#rest.length - this.#delimiter.length));
    else if (this.#rest.length > MAX_VALUE_BYTES)
      throw badForm(`the field "${this.#field}" has more than ${MAX_VALUE_BYTES} bytes`);
  }

  /** False where more must come first. */
  #readHead(): boolean {
    if (this.#rest.length < 2) return false;
    if (this.#rest.toString('latin1', 0, 2) === '--') {
      this.#place = 'end';
      return true;
    }
    const end = this.#rest.indexOf(HEAD_END);
    if (end < 0 && this.#rest.length > MAX_HEAD_BYTES) throw badForm('a part has no end of its head');
    if (end < 0) return false;
    const head = this.#rest.toString('utf8', 0, end);
    this.#skip(end + HEAD_END.length);
    this.#place = isField(head, this.#field) ? 'value' : 'other';
    return true;
  }

  #skip(bytes: number): void {
    this.#rest = this.#rest.subarray(bytes);
    this.#at += bytes;
  }
}

/** Whether the head of a part is that of this field, and of no file. */
function isField(head: string, field: string): boolean {
  const disposition = /^content-disposition:(.*)$/im.exec(head)?.[1] ?? '';
  if (/;\s*filename\*?=/i.test(disposition)) return false;
  const [, quoted, bare] = /;\s*name=(?:"([^"]*)"|([^;\s]+))/i.exec(disposition) ?? [];
  return (quoted ?? bare) === field;
}

/** Why a form cannot be read. */
export function badForm(why: string): BadModelRequest {
  return new BadModelRequest({ status: 400, message: `The form cannot be read: ${why}.`, code: 'invalid_form' });
}
