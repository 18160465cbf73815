import type { Connection } from '../channel/worker-channel.ts';
import type { LaunchRequest } from '../machines/worker.ts';
import type { WorkerProcess } from '../process/worker-process.ts';

/** Connects to a worker that was just spawned, as its kind does. Rejects with `E_HANDSHAKE` or `E_START`. */
export function connectWorker(
  process: WorkerProcess,
  { kind, plugin, entry, concurrency, client }: LaunchRequest,
  signal: AbortSignal,
): Promise<Connection> {
  return kind.connect({ plugin, entry, process, start: process.start, concurrency, client }, signal);
}
