import { z } from 'zod';
import type { Decision } from '../scheduler/decision.ts';

// JSON has no number for what is not limited.
const amount = z
  .number()
  .nullable()
  .transform((figure) => figure ?? Infinity);
const gpus = z.record(z.string(), amount).optional();
const resources = z.object({ vramMb: amount, ramMb: amount, slots: amount, gpus });
const worker = z.object({ plugin: z.string(), generation: z.number() });

const schema = z.object({
  decision: worker.extend({
    further: z.literal(true).optional(),
    policy: z.string(),
    at: z.number(),
    asked: resources,
    free: resources,
    place: gpus,
    priority: z.number(),
    since: z.number(),
    deadline: z.number(),
    considered: z.array(worker.extend({ rank: z.number() })),
    chosen: z.array(
      z.union([
        worker.extend({ ask: z.literal('RELEASE') }),
        worker.extend({ ask: z.literal('YIELD'), deadline: z.number() }),
      ]),
    ),
    waitingFor: z.array(
      worker.extend({
        standing: z.enum(['granted', 'busy', 'idle', 'warm']),
        leaving: z.boolean(),
        since: z.number(),
        holds: resources,
        uses: resources.optional(),
      }),
    ),
    outcome: z.enum(['grant', 'refuse', 'wait', 'evict']),
    reason: z.string(),
  }),
});

const stayed = z.object({ eviction: worker.extend({ outcome: z.literal('stayed') }) });

/** The plugin and generation that, as a record of a log says, was chosen to leave and has stayed. */
export function loggedStay(record: string): { readonly plugin: string; readonly generation: number } | undefined {
  if (!record.includes('"eviction":')) return undefined;
  try {
    return stayed.parse(JSON.parse(record)).eviction;
  } catch {
    return undefined;
  }
}

/** The decision of the scheduler that a record of a plugin's log holds; `undefined` if it holds none. */
export function loggedDecision(record: string): Decision | undefined {
  // Most records are lines that a worker has printed.
  if (!record.includes('"decision":')) return undefined;
  try {
    return schema.parse(JSON.parse(record)).decision;
  } catch {
    return undefined;
  }
}
