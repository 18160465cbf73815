import { type Candidate, isBefore } from './candidate.ts';

/** For which waiting plugins a node makes way. */
export interface WayTerms {
  /** After how long a job has waited too long, in milliseconds. */
  readonly ageBoundMs: number;
  /**
   * The place of this node among those that have the plugin, from 0; each waits one bound longer than the one before, so
   * that one job does not stop the work of all.
   */
  readonly rankOf: (plugin: string) => number;
}

/**
 * For how long jobs of a plugin have been kept from running, in milliseconds: since its head waits, but no longer than
 * no node has had a worker of it.
 */
export function keptMs({ head, elsewhere }: Pick<Candidate, 'head' | 'elsewhere'>): number {
  return elsewhere.warm > 0 ? 0 : Math.min(head.waitedMs, elsewhere.coldMs ?? Number.POSITIVE_INFINITY);
}

/**
 * The plugin for which this node takes no more jobs of those that have its memory, until they are idle and can be
 * evicted: one that no node runs, whose jobs have waited too long, and that would fit here. Of several the first.
 */
export function waysFor(candidates: readonly Candidate[], { ageBoundMs, rankOf }: WayTerms): Candidate | undefined {
  let first: Candidate | undefined;
  for (const candidate of candidates) {
    const { prospect, areVictimsAtWork, plugin, head } = candidate;
    const isKept = prospect.outcome === 'wait' || (prospect.outcome === 'evict' && areVictimsAtWork);
    const waited = keptMs(candidate);
    if (!isKept || waited < ageBoundMs || waited < ageBoundMs * (1 + rankOf(plugin))) continue;
    if (first === undefined || isBefore(head, first.head)) first = candidate;
  }
  return first;
}
