import { createContext, Script } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

/** A number in shared memory that is raised by each ring: what a thread sleeps on. */
export type Bell = Int32Array<SharedArrayBuffer>;

export function createBell(): Bell {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

/** Wakes the thread that sleeps on the bell. */
export function ring(bell: Bell): void {
  Atomics.add(bell, 0, 1);
  Atomics.notify(bell, 0);
}

/** How often the bell was rung; to be read before looking for messages, so that no ring between is missed. */
export function rings(bell: Bell): number {
  return Atomics.load(bell, 0);
}

/**
 * Sleeps until the bell has been rung more often than this, or the time is over. Returns false where a SIGINT came for
 * which the program has listeners: they need the event loop, which stands still, so the caller has to call them. Without
 * listeners the signal ends the program, as Node does not handle it.
 */
export function sleep(bell: Bell, rung: number, timeoutMs = Number.POSITIVE_INFINITY): boolean {
  // Signals reach the main thread alone.
  if (!isMainThread || process.listenerCount('SIGINT') === 0) {
    Atomics.wait(bell, 0, rung, timeoutMs);
    return true;
  }
  return sleepGuarded(bell, rung, timeoutMs);
}

let sleeper: ReturnType<typeof createSleeper> | undefined;

/**
 * The only way to wake a sleeping thread by a signal: `vm` takes the listeners off while a script runs, and a SIGINT
 * ends the script. It starts a thread for it, which takes about 100 µs.
 */
function sleepGuarded(bell: Bell, rung: number, timeoutMs: number): boolean {
  sleeper ??= createSleeper();
  const { context, script } = sleeper;
  context.sleep = () => Atomics.wait(bell, 0, rung, timeoutMs);
  try {
    script.runInContext(context, { breakOnSigint: true });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED') return false;
    throw error;
  }
}

function createSleeper() {
  const context: { sleep?: () => void } = {};
  createContext(context);
  return { context, script: new Script('sleep()') };
}
