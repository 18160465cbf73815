import type { Connection } from '../channel/worker-channel.ts';
import { GreenroomError } from '../errors.ts';
import type { Liveness } from '../settings/plugin-settings.ts';
import type { Clock } from '../time/clock.ts';

/**
 * Asks a worker at its control address, again and again, whether it is alive; calls back once when it does not answer
 * in time. An answer means alive, even while it is busy. One that cannot be asked is not: its end is seen by its process.
 * Returns how to stop.
 */
export function watchLiveness(
  plugin: string,
  { channel }: Connection,
  { intervalMs, timeoutMs }: Liveness,
  clock: Clock,
  onLost: (error: GreenroomError) => void,
): () => void {
  if (channel.health === undefined) return () => {};
  const health = channel.health.bind(channel);
  let stopped = false;
  let timer: unknown;
  let asking: AbortController | undefined;

  const lost = (cause: unknown): void => {
    if (stopped) return;
    stopped = true;
    onLost(
      new GreenroomError(
        'E_HUNG',
        `The worker of "${plugin}" did not answer within ${timeoutMs} ms and was killed. If it is only slow, raise liveness.timeout_ms in its manifest.`,
        {
          plugin,
          cause,
        },
      ),
    );
  };

  const ask = (): void => {
    asking = new AbortController();
    const { signal } = asking;
    timer = clock.setTimeout(() => {
      asking?.abort();
      lost(undefined);
    }, timeoutMs);
    health(signal).then(
      () => {
        asking = undefined;
        clock.clearTimeout(timer);
        if (!stopped) timer = clock.setTimeout(ask, intervalMs);
      },
      (error: unknown) => {
        asking = undefined;
        clock.clearTimeout(timer);
        // A refused connection is no answer either. If the process has ended, its exit has come or is on its way.
        if (!stopped && !signal.aborted) timer = clock.setTimeout(() => lost(error), timeoutMs);
      },
    );
  };

  timer = clock.setTimeout(ask, intervalMs);
  return () => {
    stopped = true;
    clock.clearTimeout(timer);
    asking?.abort();
  };
}
