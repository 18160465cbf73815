import { type Candidate, isBefore } from './candidate.ts';

/**
 * How long a node that would have to evict another plugin leaves a job to nodes that have memory free, in milliseconds:
 * several times what one takes to look and to claim.
 */
export const EVICT_AFTER_MS = 250;

/** How many times as long jobs wait for nodes that have a worker where another plugin would be evicted for one more. */
const EVICT_FACTOR = 3;

/** Whether a node may take a job of a plugin of which it has no worker. */
export type ColdVerdict =
  | { readonly take: true }
  | {
      readonly take: false;
      /**
       * `memory`: the scheduler of this node would not grant it, or at the cost of jobs that are here; `elsewhere`: other
       * nodes have a worker of it, or are to load one first; `never`: it can never run here.
       */
      readonly reason: 'memory' | 'elsewhere' | 'never';
      /** After how long to look again in any case, in milliseconds; undefined: only when something has changed. */
      readonly againMs: number | undefined;
    };

/**
 * Decides by the first that applies:
 *
 * - 1 It can never have its memory here: no, `never`.
 * - 2 The scheduler would have it wait: no, `memory`.
 * - 3 A victim has jobs here, and this node does not make way for the plugin ({@link waysFor}): no, `memory`.
 * - 4 Nodes have a worker of it or load one: once its head has waited for as long as it may for them ({@link EVICT_FACTOR}
 *   times as long where others would be evicted here), and as long since the last of them that said so can have loaded:
 *   **yes**; before: no, `elsewhere`.
 * - 5 None has, and others would be evicted here: once its head has waited for {@link EVICT_AFTER_MS}, and longer the
 *   less long the last used of them has been idle, so that the node begins whose victim is missed least; at most for
 *   half of what it may wait for other nodes: **yes**; before: no, `elsewhere`.
 * - 6 None has, and the memory is free: **yes**.
 */
export function coldVerdict(candidate: Candidate, makesWay: boolean): ColdVerdict {
  const { prospect, areVictimsAtWork, head, elsewhere, localityWaitMs } = candidate;
  // 1
  if (prospect.outcome === 'never') return { take: false, reason: 'never', againMs: undefined };
  // 2, 3
  const isHeld = prospect.outcome === 'wait' || (prospect.outcome === 'evict' && areVictimsAtWork && !makesWay);
  if (isHeld) return { take: false, reason: 'memory', againMs: undefined };
  // 4
  if (elsewhere.warm > 0) {
    const waitMs = localityWaitMs * (prospect.outcome === 'evict' ? EVICT_FACTOR : 1);
    const againMs = Math.max(
      waitMs - head.waitedMs,
      waitMs + localityWaitMs - (elsewhere.newestMs ?? Number.POSITIVE_INFINITY),
    );
    return againMs <= 0 ? { take: true } : { take: false, reason: 'elsewhere', againMs };
  }
  // 5
  if (prospect.outcome === 'evict') {
    const leftMs = EVICT_AFTER_MS + Math.max(0, localityWaitMs / 2 - prospect.idleMs) - head.waitedMs;
    if (leftMs > 0) return { take: false, reason: 'elsewhere', againMs: leftMs };
  }
  // 6
  return { take: true };
}

/** How long jobs may wait for nodes that have a worker, in milliseconds: what is set, else as long as a load takes. */
export function localityWaitOf(
  set: number | undefined,
  loadMs: number | undefined,
  { unknownMs, mostMs }: { readonly unknownMs: number; readonly mostMs: number },
): number {
  return Math.min(set ?? loadMs ?? unknownMs, mostMs);
}

/** The one to claim a job for; undefined: none. */
export function chosen<Of extends Pick<Candidate, 'head'>>(candidates: readonly Of[]): Of | undefined {
  let first: Of | undefined;
  for (const candidate of candidates)
    if (first === undefined || isBefore(candidate.head, first.head)) first = candidate;
  return first;
}
