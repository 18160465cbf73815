/** How many levels of lists and objects a file, a setting or a config may have; hand-written ones have under ten. */
export const MAX_LEVELS = 64;

/**
 * Whether a value of JSON has more levels of lists and objects than that. Ask before anything that descends into a
 * value from outside: what a few thousand levels do to it is to exhaust the stack.
 */
export function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  // Not by Object.values(): of ten thousand manifests it takes a tenth of the time to read them.
  if (Array.isArray(value)) {
    for (const item of value) if (isDeeperThan(levels - 1, item)) return true;
  } else {
    for (const name in value) {
      if (isDeeperThan(levels - 1, (value as Readonly<Record<string, unknown>>)[name])) return true;
    }
  }
  return false;
}
