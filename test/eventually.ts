import { vi } from 'vitest';

/** How long a test may wait, in milliseconds: as long as `expect.poll` may, and less than a whole test. */
const LIMIT_MS = 60_000;

/**
 * Resolves once a check no longer throws, to what it gives, and rejects with its last error where that takes too long.
 * The limit says how long a test may hang, not how long it should take: a machine may be several times slower than ours.
 * Tries every `interval` milliseconds, on fake timers too.
 */
export function eventually<T>(
  check: () => T | Promise<T>,
  { interval = 20, timeout = LIMIT_MS }: { readonly interval?: number; readonly timeout?: number } = {},
): Promise<T> {
  return vi.waitFor(check, { interval, timeout });
}

/** Resolves once something is there or true, to it, and rejects where that takes too long. */
export function eventuallyTrue<T>(
  look: () => T | Promise<T>,
  { interval = 20, timeout = LIMIT_MS }: { readonly interval?: number; readonly timeout?: number } = {},
): ReturnType<typeof vi.waitUntil<T>> {
  return vi.waitUntil(look, { interval, timeout });
}
