/**
 * A text of at most `characters`, and a few words: of a longer one its beginning and its end, where the cause most often
 * stands, with how much is missing between them.
 */
export function shortened(text: string, characters: number): string {
  const missing = text.length - characters;
  if (missing <= 0) return text;
  const head = Math.floor(characters / 2);
  return `${wellFormed(text.slice(0, head))} … (${missing} more characters) … ${wellFormed(text.slice(head + missing))}`;
}

/** Without half a character at either end. Copied, as V8's slices keep the whole text in memory. */
function wellFormed(text: string): string {
  return Buffer.from(text.replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, '')).toString('utf8');
}
