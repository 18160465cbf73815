import { setTimeout as delay } from 'node:timers/promises';
import { createFramedChannel } from '../channel/framed-channel.ts';
import { createUndiciChannel } from '../channel/undici-channel.ts';
import type { Connection } from '../channel/worker-channel.ts';
import { GreenroomError, messageOf } from '../errors.ts';
import type { HandshakeStart } from '../process/worker-start.ts';
import type { KindTarget } from './kind.ts';
import { awaitWelcome, EXIT_GRACE_MS } from './welcome.ts';

/**
 * Connects to a worker that speaks the worker protocol: its handshake, its first health answer and, in version 2, its
 * welcome must carry what only this spawn knows. Rejects with `E_HANDSHAKE` where they do not, and with `E_START` where
 * the connection breaks.
 */
export async function connectByHandshake(
  { plugin, process, start: { handshake }, concurrency: offered }: KindTarget<HandshakeStart>,
  signal: AbortSignal,
): Promise<Connection> {
  const { address, control, frames, capabilities, concurrency: taken } = await handshake.answer(signal);
  const concurrency = Math.max(1, Math.min(taken, offered));
  const { token, nonce } = handshake;
  const options = { plugin, address, control, token, concurrency, capabilities };
  const framed = frames === undefined ? undefined : createFramedChannel({ ...options, frames, nonce });
  const channel = framed ?? createUndiciChannel(options);
  process.onExit(() => channel.close());
  try {
    const health = await channel.health(signal);
    if (health.nonce !== nonce) {
      throw new GreenroomError(
        'E_HANDSHAKE',
        `Another process answers at the address of the worker of "${plugin}". Call load("${plugin}") to start it again.`,
        { plugin },
      );
    }
    if (framed !== undefined) await awaitWelcome(plugin, framed, signal);
  } catch (error) {
    channel.close();
    if (signal.aborted || (error instanceof GreenroomError && error.code === 'E_HANDSHAKE')) throw error;
    // A worker that dies right after its handshake is reported by its exit, which may come a little later.
    await delay(EXIT_GRACE_MS, undefined, { signal, ref: false });
    throw new GreenroomError(
      error instanceof GreenroomError && error.code === 'E_CRASHED' ? 'E_START' : 'E_HANDSHAKE',
      `The worker of "${plugin}" does not answer at ${control}: ${messageOf(error)}`,
      { plugin, cause: error },
    );
  }
  return { channel, concurrency };
}
