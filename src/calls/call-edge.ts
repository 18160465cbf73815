import type { Listeners } from '../listeners.ts';
import type { CallOutcome } from './call.ts';

/** A call of a plugin has begun, or has ended. */
export interface CallEdge {
  readonly plugin: string;
  /** Tells calls apart. */
  readonly call: string;
  /** At its end: `ok`, or the code of its error. Absent at its start. */
  readonly outcome?: string | undefined;
}

/** Tells the listeners that a call begins, and has its outcome told, too. */
export function tellEdges(edges: Listeners<CallEdge>, plugin: string, call: string, outcome: CallOutcome): CallOutcome {
  edges.notify({ plugin, call });
  return {
    onChunk: (chunk) => outcome.onChunk(chunk),
    onResult(result) {
      edges.notify({ plugin, call, outcome: 'ok' });
      outcome.onResult(result);
    },
    onError(error) {
      edges.notify({ plugin, call, outcome: error.code });
      outcome.onError(error);
    },
  };
}
