/**
 * A text with plugins' words in it as a terminal may have it: colours stay, and end with the text; every other control
 * character (which could clear the screen, name the window, write the clipboard), every sign that turns the direction of
 * text around and the line separators of Unicode are shown as escapes that JSON knows too, such as `\\u001b`. Line feeds
 * and tabs stay.
 */
export function printable(text: string): string {
  /** What colours and the like have begun and not ended. */
  const open = new Set<string>();
  const shown = text.replace(UNSAFE, (sign, at: number) => {
    const colour = sign === ESCAPE ? COLOUR.exec(text.slice(at + 1, at + 1 + LONGEST_COLOUR)) : null;
    if (colour === null) return escaped(sign);
    for (const code of (colour[1] ?? '').split(/[;:]/)) follow(code, open);
    return sign;
  });
  return open.size > 0 ? `${shown}${ESCAPE}[0m` : shown;
}

/**
 * A word from elsewhere, such as a path or a reason with one in it, as it may stand in a line for people: like
 * {@link printable}, but colours and line feeds are shown as escapes too.
 */
export function oneLine(text: string): string {
  return text.replace(UNSAFE, escaped).replaceAll('\n', escaped);
}

function escaped(sign: string): string {
  return `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

const UNSAFE = /[^\P{Cc}\n\t]|[\u2028-\u202e\u2066-\u2069]/gu;

const ESCAPE = '\u001b';

/** What follows the escape sign where it sets colours and the like. */
const COLOUR = /^\[([\d;:]*)m/;
const LONGEST_COLOUR = 32;

/** Notes what a code of a colour begins or ends. Of what `styleText` has no name for, only a reset is known to end it. */
function follow(code: string, open: Set<string>): void {
  if (Number(code) === 0) open.clear();
  else if (code === '39') open.delete('colour');
  else if (code === '22') open.delete('weight');
  else if (/^[39][0-7]$/.test(code)) open.add('colour');
  else open.add(code === '1' || code === '2' ? 'weight' : 'other');
}
