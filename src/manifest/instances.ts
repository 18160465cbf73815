import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { shown } from '../text/shown.ts';

/** The most instances that a plugin can have: a larger number is a mistake, and each instance is a process. */
const MAX_INSTANCES = 1_000;

const tooMany = ({ input }: { readonly input?: unknown }): string =>
  `expected a whole number of at most ${MAX_INSTANCES}, got ${shown(input)}; each instance is a process, so for more calls at once raise "max_concurrency"`;

const tooFew = ({ input }: { readonly input?: unknown }): string =>
  `expected a whole number of at least 1, got ${shown(input)}${input === 0 ? '; for no worker while there are no calls, { "min": 0, "max": 1 }' : ''}`;

const count = z.union([
  z.number().int().positive({ error: tooFew }).max(MAX_INSTANCES, { error: tooMany }),
  z.literal('cores'),
]);

const milliseconds = z.number().int().nonnegative();

const range = z
  .strictObject({
    min: z.number().int().nonnegative().optional(),
    max: count,
    idle_ms: milliseconds.min(1).optional(),
    grow_after_ms: milliseconds.optional(),
  })
  .superRefine(({ min, max }, context) => {
    // The same manifest is to do on a machine with fewer cores.
    if (min === undefined || max === 'cores' || min <= max) return;
    const message = `expected at most ${max}, the "max", got ${min}; lower "min" or raise "max"`;
    context.addIssue({ code: 'custom', path: ['min'], message });
  });

/** How many instances a plugin has: always so many, `"cores"` for one per core, or by load between two bounds. */
export const instances = z.union([...count.options, range]);

/** How many instances a number or `"cores"` in a manifest is on this machine. */
export function instanceCount(written: z.output<typeof count>): number {
  return written === 'cores' ? Math.min(availableParallelism(), MAX_INSTANCES) : written;
}
