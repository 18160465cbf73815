/** Shorter words are taken only where there are no others. */
const LEAST_LETTERS = 5;

/**
 * Words that texts are about, the most telling first: those that a text uses often and most of the others do not
 * (tf-idf, after Spärck Jones, "A statistical interpretation of term specificity", 1972).
 */
export function topicsOf(texts: readonly string[], count = 4): string[] {
  const uses = new Map<string, number>();
  const texted = new Map<string, number>();
  for (const text of texts) {
    const all = text.toLowerCase().match(/\p{Letter}+/gu) ?? [];
    const long = all.filter((word) => word.length >= LEAST_LETTERS);
    const own = new Set<string>();
    for (const word of long.length > 0 ? long : all) {
      uses.set(word, (uses.get(word) ?? 0) + 1);
      own.add(word);
    }
    for (const word of own) texted.set(word, (texted.get(word) ?? 0) + 1);
  }
  // A word of one text only finds nothing but that text.
  const least = texts.length > 4 ? 2 : 1;
  const weight = (word: string): number =>
    (uses.get(word) ?? 0) * Math.log((texts.length + 1) / (texted.get(word) ?? 1));
  return [...uses.keys()]
    .filter((word) => (texted.get(word) ?? 0) >= least)
    .toSorted((a, b) => weight(b) - weight(a) || (a < b ? -1 : 1))
    .slice(0, count);
}
