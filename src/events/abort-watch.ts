/** Those to be told of each signal that somebody waits on. */
const watched = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back once when the signal aborts, and not for one that has aborted already. Returns how to stop. However many watch a signal, it has one
 * listener: Node warns of more than ten, and the signal is the user's, whose limit is not ours to raise.
 */
export function onAbort(signal: AbortSignal, told: () => void): () => void {
  let all = watched.get(signal);
  if (all === undefined) {
    all = new Set();
    watched.set(signal, all);
  }
  if (all.size === 0) signal.addEventListener('abort', tellAll);
  all.add(told);
  const own = all;
  return () => {
    if (own.delete(told) && own.size === 0) signal.removeEventListener('abort', tellAll);
  };
}

function tellAll(event: Event): void {
  // Node clears `currentTarget` once the first listener of an event has run, and others may listen to the signal too.
  const signal = event.target as AbortSignal;
  signal.removeEventListener('abort', tellAll);
  const all = watched.get(signal);
  watched.delete(signal);
  for (const told of all ?? []) told();
}
