import type { WorkerExit } from '../process/worker-process.ts';

/** How many starts in a row may be killed until the calls that wait for them are refused. */
export const MAX_KILLED_STARTS = 3;

/**
 * Whether the calls that wait for a start that has failed go on waiting, for the next one. They do if a signal has ended
 * its process: that may have nothing to do with the plugin, and another start may well survive. An exit status, a start
 * that was late and a config that was refused come from the plugin, and for want of memory there is a rule of its own.
 *
 * @param exit how the process ended, where that is why the start failed: then nothing here has signalled it
 * @param before how many starts before it, in a row, were killed in this way
 */
export function outlastsStart(exit: Pick<WorkerExit, 'signal' | 'outOfMemory'> | undefined, before: number): boolean {
  return exit !== undefined && exit.signal !== null && !exit.outOfMemory && before + 1 < MAX_KILLED_STARTS;
}
