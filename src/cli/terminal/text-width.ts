import { stripVTControlCharacters } from 'node:util';
import { oneLine } from '../../text/printable.ts';

/** Characters that a terminal draws two columns wide: the East Asian scripts, and pictures. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** Characters that take no column: marks that are drawn over the one before, and joiners. */
const NARROW = /[\p{Mark}\u200b-\u200f]/u;

/** How many columns of a terminal a text takes. Colours take none. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of stripVTControlCharacters(text)) width += widthOf(character);
  return width;
}

/**
 * A text from elsewhere made to fit one line of `columns`: without line breaks and whatever else would steer a
 * terminal, and cut with an ellipsis where it is too long.
 */
export function fitText(text: string, columns: number): string {
  const line = oneLine(stripVTControlCharacters(text).replaceAll(/\p{Control}+/gu, ' '));
  if (textWidth(line) <= columns) return line;
  let cut = '';
  let width = 0;
  for (const character of line) {
    width += widthOf(character);
    if (width > columns - 1) break;
    cut += character;
  }
  return columns < 1 ? '' : `${cut}…`;
}

function widthOf(character: string): number {
  if (WIDE.test(character)) return 2;
  return NARROW.test(character) ? 0 : 1;
}
