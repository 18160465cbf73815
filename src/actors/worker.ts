import { type AnyEventObject, fromCallback, fromPromise } from 'xstate';
import { workerMachine } from '../machines/worker.ts';
import type { TreeSampler } from '../measure/process-tree.ts';
import type { ProcessCommand } from '../process/worker-process.ts';
import type { Clock } from '../time/clock.ts';
import type { connectWorker } from './connect.ts';
import { initializeStartedWorker } from './initialize.ts';
import { watchLiveness } from './liveness.ts';
import { MemoryLimits } from './memory-limit.ts';
import type { SpawnServices, spawnWorker } from './process.ts';

/** What the actors of a worker need. */
export interface WorkerPorts {
  readonly spawn: typeof spawnWorker;
  readonly services: SpawnServices;
  readonly connect: typeof connectWorker;
  readonly sampler: TreeSampler;
  readonly clock: Clock;
  /** Times what is judged. */
  readonly patience: Clock;
  /** Measures a worker that is about to be ended; `plugin` is its plugin's name. Never rejects. */
  measure(plugin: string, generation: number): Promise<void>;
}

/** The worker machine with what it invokes: a real process, a connection to it, and whoever watches it. */
export function provideWorker({
  spawn,
  services,
  connect,
  sampler,
  clock,
  patience,
  measure,
}: WorkerPorts): typeof workerMachine {
  const memoryLimits = new MemoryLimits(sampler, clock);
  return workerMachine.provide({
    actors: {
      process: fromCallback(({ input, sendBack, receive }) => {
        const worker = spawn(input.launch, input.generation, services, sendBack);
        receive((event: AnyEventObject) => {
          const { signal, reason } = event as ProcessCommand;
          worker.signal(signal, reason);
        });
        // The actor can end before its process only if a machine has failed.
        return () => worker.signal('SIGKILL');
      }),
      connect: fromPromise(({ input, signal }) => connect(input.process, input.launch, signal)),
      initialize: fromPromise(({ input: { connection, launch, config }, signal }) =>
        initializeStartedWorker(connection.channel, launch.entry, config, signal),
      ),
      cleanup: fromPromise(async ({ input: { connection, name, generation }, signal }) => {
        await measure(name, generation);
        signal.throwIfAborted();
        await connection.channel.cleanup?.(signal);
      }),
      liveness: fromCallback(({ input: { name, connection, liveness }, sendBack }) =>
        liveness === undefined
          ? undefined
          : watchLiveness(name, connection, liveness, patience, (error) => sendBack({ type: 'LIVENESS.LOST', error })),
      ),
      memory: fromCallback(({ input: { name, pid, maxRssMb }, sendBack }) =>
        maxRssMb === undefined || pid === undefined
          ? undefined
          : memoryLimits.watch({ plugin: name, pid, maxRssMb }, (excess) =>
              sendBack({ type: 'MEMORY.EXCEEDED', ...excess }),
            ),
      ),
    },
  });
}
