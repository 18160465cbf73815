/** The spawns that wait for their turn; undefined while there was no spawn in this turn of the event loop. */
let waiting: (() => void)[] | undefined;

/**
 * To be awaited before a process is spawned: undefined in a turn of the event loop in which there was no spawn, else
 * resolves in a later turn. Starting a process holds the loop up for milliseconds, and a hundred at once would for a second.
 */
export function spawnTurn(): Promise<void> | undefined {
  const queue = waiting;
  if (queue !== undefined) return new Promise((resolve) => void queue.push(resolve));
  waiting = [];
  setImmediate(next);
  return undefined;
}

function next(): void {
  const resolve = waiting?.shift();
  if (resolve === undefined) {
    waiting = undefined;
    return;
  }
  resolve();
  // A turn between two spawns is for whatever came during the first: exits, answers, calls.
  setImmediate(() => void setImmediate(next));
}
