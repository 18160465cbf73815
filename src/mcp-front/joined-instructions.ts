/** The most characters of the instructions of all plugins together. Some clients cut off more than a few thousand. */
const MAX_CHARACTERS = 8_000;
/** Of how many plugins they are joined. */
const MAX_PLUGINS = 50;

/** What one plugin says of how it is used. */
export interface PluginInstructions {
  readonly plugin: string;
  readonly text: string;
}

/**
 * The instructions of several plugins as one text: after the introduction, a heading for each plugin and what it says.
 * Together they have at most 8,000 characters, which the plugins share: short ones are whole, and longer ones are cut to
 * the same length. Plugins beyond the first 50 are left out.
 */
export function joinedInstructions(introduction: string, all: readonly PluginInstructions[]): string {
  const parts = all.map(({ plugin, text }) => ({ plugin, text: text.trim() })).filter(({ text }) => text !== '');
  const shown = parts.slice(0, MAX_PLUGINS);
  const limit = fairLimit(
    shown.map(({ text }) => text.length),
    MAX_CHARACTERS,
  );
  return [introduction, ...shown.map(({ plugin, text }) => `## ${plugin}\n${beginningOf(text, limit)}`)].join('\n\n');
}

/** The length to which each is to be cut so that all of them together are no longer than this. */
function fairLimit(lengths: readonly number[], total: number): number {
  let left = total;
  for (const [at, length] of lengths.toSorted((a, b) => a - b).entries()) {
    const share = Math.floor(left / (lengths.length - at));
    if (length > share) return share;
    left -= length;
  }
  return total;
}

function beginningOf(text: string, characters: number): string {
  if (text.length <= characters) return text;
  // Not half a character.
  return `${text.slice(0, characters - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
