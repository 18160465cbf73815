import { setTimeout as delay } from 'node:timers/promises';
import { GreenroomError, messageOf } from '../errors.ts';
import { parseAnswer, parseAnyAnswer } from '../channel/exact-answer.ts';
import type { Connection } from '../machines/worker.ts';
import { createCjmChannel } from '../channel/cjm-channel.ts';
import { createUndiciChannel } from '../channel/undici-channel.ts';
import type { LaunchRequest } from '../worker-kinds/worker-launch.ts';
import type { WorkerProcess } from '../process/worker-process.ts';

/** How long the exit of a worker whose connection broke is waited for, in milliseconds. */
const EXIT_GRACE_MS = 100;

/** How often an older worker, which announces nothing, is tried, in milliseconds. */
const CJM_RETRY_MS = 10;

/**
 * Connects to a worker that was just spawned and makes sure that it is ours: the handshake and the first health answer
 * must both carry what only this spawn knows. Rejects with `E_HANDSHAKE` where they do not, and with `E_START` where no
 * connection comes about or it breaks, which another start may mend.
 */
export async function connectWorker(
  process: WorkerProcess,
  launch: LaunchRequest,
  signal: AbortSignal,
): Promise<Connection> {
  return launch.boot === undefined
    ? connectOlderWorker(process, launch, signal)
    : connectByHandshake(process, launch, signal);
}

async function connectByHandshake(
  process: WorkerProcess,
  launch: LaunchRequest,
  signal: AbortSignal,
): Promise<Connection> {
  const { plugin } = launch;
  const handshake = await process.handshake(signal);
  const concurrency = Math.max(1, Math.min(handshake.concurrency, launch.concurrency));
  const channel = createUndiciChannel({
    plugin,
    address: handshake.address,
    control: handshake.control,
    token: process.token,
    concurrency,
    capabilities: handshake.capabilities,
    parse: launch.entry.manifest.worker === 'command' ? parseAnyAnswer : parseAnswer,
  });
  process.onExit(() => channel.close());
  try {
    const health = await channel.health(signal);
    if (health.nonce !== process.nonce) {
      throw new GreenroomError(
        'E_HANDSHAKE',
        `Another process answers at the address of the worker of "${plugin}". Call load("${plugin}") to start it again.`,
        { plugin },
      );
    }
  } catch (error) {
    channel.close();
    if (signal.aborted || (error instanceof GreenroomError && error.code === 'E_HANDSHAKE')) throw error;
    // A worker that dies right after its handshake is reported by its exit, which may come a little later.
    await delay(EXIT_GRACE_MS, undefined, { signal, ref: false });
    throw new GreenroomError(
      error instanceof GreenroomError && error.code === 'E_CRASHED' ? 'E_START' : 'E_HANDSHAKE',
      `The worker of "${plugin}" does not answer at ${handshake.control}: ${messageOf(error)}`,
      {
        plugin,
        cause: error,
      },
    );
  }
  return { channel, concurrency, streams: handshake.capabilities.includes('stream') };
}

async function connectOlderWorker(
  process: WorkerProcess,
  launch: LaunchRequest,
  signal: AbortSignal,
): Promise<Connection> {
  const concurrency = launch.concurrency;
  const channel = createCjmChannel({ plugin: launch.plugin, port: process.port });
  process.onExit(() => channel.close());
  signal.addEventListener('abort', () => channel.close(), { once: true });
  for (;;) {
    signal.throwIfAborted();
    try {
      const health = await channel.health(signal);
      // A stranger may have taken the port; only the process that we started may answer.
      if (health.pid === process.pid) return { channel, concurrency, streams: true };
    } catch {
      // Not listening yet. The start deadline and the exit end this loop.
    }
    await delay(CJM_RETRY_MS, undefined, { signal, ref: false });
  }
}
