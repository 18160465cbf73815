/**
 * How many items of a list, rising by a figure, have at most this figure: the place after the last of them. Found without
 * looking at each item.
 *
 * @param from the place of the first item that counts
 */
export function placeAfter<T>(list: readonly T[], figure: number, figureOf: (item: T) => number, from = 0): number {
  let [low, high] = [from, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (figureOf(list[middle] as T) <= figure) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The figure by which records, entries and rows rise. */
export function seqOf({ seq }: { readonly seq: number }): number {
  return seq;
}
