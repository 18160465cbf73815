import { styleText } from 'node:util';

/** Marks text for the eye; each gives the text back as it is where the output takes no colours. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

/**
 * The style for one output: colours on a terminal that has them, plain text elsewhere. `NO_COLOR` turns them off and
 * `FORCE_COLOR` on, also where the output is no terminal.
 */
export function createStyle(stream: NodeJS.WriteStream): Style {
  const coloured = takesColours(stream);
  const as = (format: Parameters<typeof styleText>[0]) => (text: string) =>
    coloured && text !== '' ? styleText(format, text, { validateStream: false }) : text;
  return {
    bold: as('bold'),
    dim: as('dim'),
    red: as('red'),
    green: as('green'),
    yellow: as('yellow'),
    cyan: as('cyan'),
  };
}

function takesColours(stream: NodeJS.WriteStream): boolean {
  // A terminal looks at both variables and at TERM by itself.
  if (stream.isTTY) return stream.hasColors();
  const force = process.env['FORCE_COLOR'];
  return force !== undefined && force !== '0' && force !== 'false' && !process.env['NO_COLOR'];
}
