/** How many levels of lists and objects a file, a setting or a config may have; hand-written ones have under ten. */
export const MAX_LEVELS = 64;

/**
 * Whether a value of JSON has more levels of lists and objects than that. Ask before anything that descends into a
 * value from outside: what a few thousand levels do to it is to exhaust the stack.
 */
export function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  return Object.values(value).some((part) => isDeeperThan(levels - 1, part));
}
