import { withoutComments } from './macros.ts';

/**
 * Splits a `cmd` into its words as llama-swap does, which starts no shell: lines that are comments are left out, a line
 * may end with a backslash, quotes hold words together. Empty for a command without words.
 */
export function commandWords(command: string, platform: NodeJS.Platform): string[] {
  const lines = withoutComments(command)
    .split('\n')
    .map((line) => (line.trim().endsWith('\\') ? `${line.trim().slice(0, -1)} ` : line));
  const parts = platform === 'win32' ? windowsParts(lines.join('\n')) : posixParts(lines.join('\n'));
  const words: string[] = [];
  let word: string | undefined;
  for (const part of [...parts, undefined]) {
    if (part !== undefined) word = (word ?? '') + part;
    else if (word !== undefined) {
      words.push(word);
      word = undefined;
    }
  }
  return words;
}

/** The parts of words; undefined between two words. */
function* posixParts(text: string): Generator<string | undefined> {
  const parts =
    /(?<space>[ \t\n]+)|\\(?<escaped>[^])|'(?<single>[^']*)'?|"(?<double>(?:\\[^]|[^"\\])*)"?|[^ \t\n\\'"]+/g;
  for (const { 0: plain, groups: { space, escaped, single, double } = {} } of text.matchAll(parts)) {
    if (space !== undefined) yield undefined;
    else yield escaped ?? single ?? double?.replaceAll(/\\(?:\n|([$`"\\]))/g, '$1') ?? plain;
  }
}

/** As {@link posixParts}. Backslashes count in front of a double quote alone; a doubled quote within quotes is one. */
function* windowsParts(text: string): Generator<string | undefined> {
  let isQuoted = false;
  for (const { 0: plain, groups: { slashes, doubled = '', space } = {} } of text.matchAll(
    /(?<slashes>\\*)"(?<doubled>"?)|(?<space>[ \t\r\n]+)|\\+|[^ \t\r\n"\\]+/g,
  )) {
    if (space !== undefined) {
      yield isQuoted ? space : undefined;
    } else if (slashes === undefined) {
      yield plain;
    } else {
      const isLiteral = slashes.length % 2 === 1;
      yield '\\'.repeat(Math.floor(slashes.length / 2)) + (isLiteral ? '"' : '');
      // Two quotes are the end of a quoted part, or a quote in it; after a literal one the second stands alone.
      if (!isLiteral && isQuoted && doubled !== '') yield '"';
      else if ((isLiteral ? doubled : `"${doubled}`).length === 1) isQuoted = !isQuoted;
    }
  }
}
