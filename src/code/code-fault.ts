/** What is wrong with a source file, found before it is run. */
export interface CodeFault {
  /** An absolute path. */
  readonly file: string;
  /** The line, from 1; undefined where the file as a whole is at fault. */
  readonly line: number | undefined;
  /** The text of the line, without space around it; undefined where it is not known. */
  readonly text: string | undefined;
  /** In the words of the language. */
  readonly message: string;
}

/** A fault on one line: the place, what is wrong, the text. */
export function faultText({ file, line, text, message }: CodeFault): string {
  const place = line === undefined ? file : `${file}:${line}`;
  return `${place}: ${message}${text === undefined || text === '' ? '' : `: ${text}`}`;
}
