import { setTimeout as delay } from 'node:timers/promises';
import { createCjmChannel } from '../channel/cjm-channel.ts';
import { encodeInput } from '../channel/encoded-input.ts';
import type { WorkerKind } from './kind.ts';
import { PYTHON_ENV, PYTHON_PASS_ENV, pythonOf, pythonPrograms } from './python-interpreter.ts';

/** How often a worker, which announces nothing, is tried, in milliseconds. */
const RETRY_MS = 10;

/** A worker of the older system, from the package that is installed in the plugin's interpreter. */
export const cjm: WorkerKind = {
  name: 'cjm',
  required: ['python_path', 'module', 'class'],
  infers: () => false,
  passEnv: PYTHON_PASS_ENV,
  // Plugins of the older system load models in their initialise, for which its host waits as long as it takes.
  startMs: 300_000,
  isPositional: true,
  start: { by: 'port' },
  encode: encodeInput,
  programs: pythonPrograms,
  command: (entry) => ({
    file: pythonOf(entry),
    args: [
      ...['-m', 'cjm_plugin_system.core.worker'],
      ...['--module', entry.manifest.module ?? '', '--class', entry.manifest.class ?? ''],
    ],
    env: PYTHON_ENV,
  }),
  async connect({ plugin, process, concurrency }, signal) {
    const channel = createCjmChannel({ plugin, port: process.port });
    process.onExit(() => channel.close());
    signal.addEventListener('abort', () => channel.close(), { once: true });
    for (;;) {
      signal.throwIfAborted();
      try {
        const health = await channel.health(signal);
        // A stranger may have taken the port; only the process that we started may answer.
        if (health.pid === process.pid) return { channel, concurrency };
      } catch {
        // Not listening yet. The start deadline and the exit end this loop.
      }
      await delay(RETRY_MS, undefined, { signal, ref: false });
    }
  },
};
