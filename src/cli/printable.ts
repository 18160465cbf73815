/**
 * A text with plugins' words in it as a terminal may have it: colours stay, and every other control character (which could
 * clear the screen, name the window, write the clipboard) and every sign that turns the direction of text around is
 * shown as an escape that JSON knows too, such as `\\u001b`. Line feeds and tabs stay.
 */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/gu, (sign, at: number) =>
    sign === ESCAPE && COLOUR.test(text.slice(at + 1, at + 1 + LONGEST_COLOUR))
      ? sign
      : `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const ESCAPE = '\u001b';

/** What follows the escape sign where it sets colours and the like. */
const COLOUR = /^\[[\d;:]*m/;
const LONGEST_COLOUR = 32;
