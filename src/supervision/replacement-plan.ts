import { longestDelay, type RestartSettings } from './restart-plan.ts';

/** The workers of a plugin that were over their memory limit soon after they were ready, one in the place of the other. */
export interface OversizedRow {
  /** The generation of the last of them; 0 for none. */
  readonly generation: number;
  /** How many of them a replacement was decided on for. */
  readonly replaced: number;
}

/** The row of a plugin whose worker was not over its limit, or rested since. */
export const NO_OVERSIZED: OversizedRow = Object.freeze({ generation: 0, replaced: 0 });

/** What follows when a worker is over its memory limit. */
export type ReplacementPlan =
  | {
      readonly action: 'replace';
      /** In milliseconds. */
      readonly delayMs: number;
      readonly row: OversizedRow;
    }
  | { readonly action: 'give-up'; readonly row: OversizedRow };

/**
 * Decides whether and when a worker that is over its memory limit is replaced. One that stayed within it for `stableMs`
 * has grown: it is replaced at once, however often that happens. One that did not may need more than the limit, as the
 * next will: such workers in a row are replaced with backoff, as often as the lowest restart limit allows. The row is
 * counted without a period, which a plugin that takes minutes to start would never fill.
 *
 * @param generation the worker's
 * @param withinMs for how long after it was ready it was within its limit
 */
export function planReplacement({
  row,
  settings,
  generation,
  withinMs,
}: {
  readonly row: OversizedRow;
  readonly settings: RestartSettings;
  readonly generation: number;
  readonly withinMs: number;
}): ReplacementPlan {
  if (withinMs >= settings.stableMs) return { action: 'replace', delayMs: 0, row: { generation, replaced: 0 } };
  // Counted already: its replacement did not start, which says nothing about memory.
  const before = generation === row.generation ? row.replaced - 1 : row.replaced;
  if (before >= Math.min(...settings.limits.map(({ restarts }) => restarts))) return { action: 'give-up', row };
  return { action: 'replace', delayMs: longestDelay(settings, before), row: { generation, replaced: before + 1 } };
}
