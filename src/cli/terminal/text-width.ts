import { stripVTControlCharacters } from 'node:util';
import { oneLine } from '../../text/printable.ts';

// Not string-width: it gives the same for every code point (and less for a picture that joiners make of several), but
// loading it and its first text cost 60 ms of processor time, as much as Node and the whole command line.

/**
 * Characters that a terminal draws two columns wide: East Asian Width W and F (Unicode Standard Annex 11), and pictures.
 * Two regional indicators make a flag of two columns.
 */
const WIDE =
  /[\u1100-\u115e\u2329\u232a\u2630-\u2637\u268a-\u268f\u2e80-\u303e\u3041-\u3247\u3250-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1aff0}-\u{1b2ff}\u{1d300}-\u{1d376}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]|(?!\p{Regional_Indicator})\p{Emoji_Presentation}/u;

/** Characters that take no column: marks that are drawn over the one before, joiners, and signs that steer the text. */
const NARROW = /[\p{Nonspacing_Mark}\p{Enclosing_Mark}\p{Format}\p{Default_Ignorable_Code_Point}]/u;

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
  if (NARROW.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
