import { setTimeout as delay } from 'node:timers/promises';
import { createCjmChannel } from '../channel/cjm-channel.ts';
import { encodeJsonInput } from '../channel/encoded-input.ts';
import { freePort } from '../process/free-port.ts';
import type { WorkerStart } from '../process/worker-start.ts';
import { DEFAULT_TOOL } from '../tools/tool-name.ts';
import type { WorkerKind } from './kind.ts';
import { PYTHON_ENV, PYTHON_PASS_ENV, pythonOf, pythonPrograms } from './python-interpreter.ts';

/** How often a worker, which announces nothing, is tried, in milliseconds. */
const RETRY_MS = 10;

/** The start of a worker that listens on the TCP port that it is given. */
interface PortStart extends WorkerStart {
  readonly port: number;
}

/** A worker of the older system, from the package that is installed in the plugin's interpreter. */
export const cjm: WorkerKind<PortStart> = {
  name: 'cjm',
  required: ['python_path', 'module', 'class'],
  infers: () => false,
  passEnv: PYTHON_PASS_ENV,
  // Plugins of the older system load models in their initialise, for which its host waits as long as it takes.
  startMs: 300_000,
  isPositional: true,
  // A worker ends with the parent whose number it is given.
  async start() {
    const port = await freePort();
    return { port, args: ['--port', `${port}`, '--ppid', `${process.pid}`] };
  },
  encode: encodeJsonInput,
  // The older wire has no names for more.
  tools: [{ name: DEFAULT_TOOL, streams: true }],
  programs: pythonPrograms,
  command: (entry) => ({
    file: pythonOf(entry),
    args: [
      ...['-m', 'cjm_plugin_system.core.worker'],
      ...['--module', entry.manifest.module ?? '', '--class', entry.manifest.class ?? ''],
    ],
    env: PYTHON_ENV,
  }),
  async connect({ plugin, process: worker, start: { port }, concurrency }, signal) {
    const channel = createCjmChannel({ plugin, port });
    worker.onExit(() => channel.close());
    signal.addEventListener('abort', () => channel.close(), { once: true });
    for (;;) {
      signal.throwIfAborted();
      try {
        const health = await channel.health(signal);
        // A stranger may have taken the port; only the process that we started may answer.
        if (health.pid === worker.pid) return { channel, concurrency };
      } catch {
        // Not listening yet. The start deadline and the exit end this loop.
      }
      await delay(RETRY_MS, undefined, { signal, ref: false });
    }
  },
};
