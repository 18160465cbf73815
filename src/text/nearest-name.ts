/**
 * The known name that was most likely meant: the nearest, else one of which it is the beginning or the end, as "size" of
 * "size_mb"; undefined where there is none. A name without a letter in common never is.
 */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  const typed = name.toLowerCase();
  let nearest: string | undefined;
  let part: string | undefined;
  let least = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const other = candidate.toLowerCase();
    const distance = editDistance(typed, other, least);
    if (distance < least && distance < Math.max(name.length, candidate.length))
      [nearest, least] = [candidate, distance];
    if (typed.length >= LEAST_PART && (other.startsWith(typed) || other.endsWith(typed))) part ??= candidate;
  }
  return nearest ?? part;
}

/** How long what was typed must be to tell a name by its beginning or end. */
const LEAST_PART = 3;

/** How many letters were missed, added, changed or swapped with the next one; given up at `limit`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwap ? (before[j - 2] ?? 0) + 1 : limit;
      next.push(Math.min(replaced, swapped, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    if (Math.min(...next, ...row) >= limit) return limit;
    [before, row] = [row, next];
  }
  return row[b.length] ?? limit;
}
