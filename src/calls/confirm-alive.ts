import type { WorkerChannel } from '../channel/worker-channel.ts';
import { GreenroomError } from '../errors.ts';
import type { Clock } from '../time/clock.ts';
import { connectionFault } from './connection-fault.ts';

/** How long a worker whose connection broke may take to say that it is alive, in milliseconds. */
const CHECK_MS = 2_000;

/** Rejects where the worker does not say that it is alive; one that cannot be asked is, as its process has not ended. */
export async function confirmAlive(channel: WorkerChannel, patience: Clock): Promise<void> {
  const late = new AbortController();
  const timer = patience.setTimeout(() => late.abort(), CHECK_MS);
  try {
    await channel.health?.(late.signal);
  } catch (error) {
    // The host program's own shortage says nothing about the worker.
    if (!(error instanceof GreenroomError) || connectionFault(error) !== 'shortage') throw error;
  } finally {
    patience.clearTimeout(timer);
  }
}
