/** An amount of memory of each GPU in MiB, by its UUID. A GPU that is not named has none. */
export type GpuAmounts = Readonly<Record<string, number>>;

/** Both, GPU by GPU. `undefined` where neither names a GPU. */
export function combined(
  a: GpuAmounts | undefined,
  b: GpuAmounts | undefined,
  by: (x: number, y: number) => number,
): GpuAmounts | undefined {
  if (a === undefined && b === undefined) return undefined;
  const result: Record<string, number> = {};
  for (const gpu in a) result[gpu] = by(a[gpu] ?? 0, b?.[gpu] ?? 0);
  for (const gpu in b) result[gpu] ??= by(0, b[gpu] ?? 0);
  return result;
}

/** The smaller amount of each GPU of `a`. */
export function smaller(a: GpuAmounts | undefined, b: GpuAmounts | undefined): GpuAmounts | undefined {
  if (a === undefined || b === undefined) return a;
  const result: Record<string, number> = {};
  for (const gpu in a) result[gpu] = Math.min(a[gpu] ?? 0, b[gpu] ?? Infinity);
  return result;
}

/** The same with zero in place of what is negative. */
export function limited(a: GpuAmounts | undefined): GpuAmounts | undefined {
  return a === undefined ? undefined : combined(a, undefined, (x) => Math.max(0, x));
}

/** What there is on all GPUs together. */
export function sumOf(a: GpuAmounts): number {
  let sum = 0;
  for (const gpu in a) sum += a[gpu] ?? 0;
  return sum;
}

/** So much memory, shared among the GPUs in the proportion of these amounts; in whole numbers if it is one. */
export function inProportion(vramMb: number, to: GpuAmounts): GpuAmounts {
  const result: Record<string, number> = {};
  let [left, weight] = [vramMb, sumOf(to)];
  for (const gpu in to) {
    const own = to[gpu] ?? 0;
    result[gpu] = weight > 0 ? Math.min(left, Math.round((left * own) / weight)) : left;
    left -= result[gpu];
    weight -= own;
  }
  return result;
}

/** Of an amount without a place, the same in the proportion in which these GPUs are taken up. */
export function placedLike<T extends { readonly vramMb: number }>(amount: T, like: GpuAmounts | undefined): T {
  return like === undefined ? amount : { ...amount, gpus: inProportion(amount.vramMb, like) };
}
