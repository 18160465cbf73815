import type { WorkerChannel } from '../channel/worker-channel.ts';
import type { GreenroomError } from '../errors.ts';
import { onAbort } from '../events/abort-watch.ts';
import type { LeaseGate } from './lease-gate.ts';
import type { LeaseRequest, Residency } from './lease-request.ts';

/**
 * Runs a task at the plugin's worker under a lease of its own, so that the worker is not taken away in the middle and
 * the task does not meet a call where the worker takes one at a time. Rejects with what the gate or the task says.
 *
 * @param only the one of several workers that it has to be
 */
export function withLease<T>(
  gate: LeaseGate,
  task: (channel: WorkerChannel, signal: AbortSignal, generation: number) => Promise<T>,
  only?: Residency,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const lost = new AbortController();
    const request: LeaseRequest = {
      priority: 0,
      deadline: undefined,
      only,
      start(residency: Residency) {
        task(residency.channel, lost.signal, residency.generation)
          .then(resolve, reject)
          .finally(() => gate.leave(residency, request));
      },
      refuse: reject,
      lose(error: GreenroomError) {
        lost.abort(error);
        reject(error);
      },
    };
    gate.enter(request);
  });
}

/** Waits, without a lease, until the gate is open; that is what `load` waits for. Rejects with what the gate says. */
export function whenOpen(
  gate: LeaseGate,
  signal: AbortSignal | undefined,
  cancelled: () => GreenroomError,
): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    let done = (): void => {};
    const request: LeaseRequest = {
      priority: 0,
      deadline: undefined,
      withoutLease: true,
      start() {
        done();
        resolve();
      },
      refuse(error: GreenroomError) {
        done();
        reject(error);
      },
      lose: () => {},
    };
    if (signal?.aborted === true) {
      reject(cancelled());
      return;
    }
    if (signal !== undefined) {
      done = onAbort(signal, () => {
        if (gate.withdraw(request)) reject(cancelled());
      });
    }
    gate.enter(request);
  });
}
