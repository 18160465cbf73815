import { oneLine } from '../../text/printable.ts';
import { textWidth } from './text-width.ts';

/** A text in lines of at most `columns`, broken between words; a word that is longer stays whole. */
export function wrapText(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of oneLine(text).split(' ')) {
    if (line !== '' && textWidth(line) + textWidth(word) + 1 > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
