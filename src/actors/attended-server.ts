import { setImmediate as nextTurn } from 'node:timers/promises';
import type { LaunchRequest } from '../machines/worker.ts';
import type { KnownEra } from '../mcp/known-eras.ts';
import type { ProcessEvent, WorkerProcess, WorkerStreams } from '../process/worker-process.ts';
import type { WorkerStart } from '../process/worker-start.ts';
import { identityOf } from '../tools/tool-cache.ts';
import type { SpawnedWorker, SpawnServices } from './process.ts';

/**
 * Stands for a server that another program runs, as if it were a process: it is there from the start, never ends by itself,
 * and no signal reaches it. `PROCESS.EXITED` comes when it is needed no more. Never throws.
 */
export function attendServer(
  launch: LaunchRequest,
  generation: number,
  services: Pick<SpawnServices, 'log' | 'eras'>,
  tell: (event: ProcessEvent) => void,
): SpawnedWorker {
  const server = new AttendedServer(launch, generation, services, tell);
  void server.begin();
  return server;
}

class AttendedServer implements SpawnedWorker, WorkerProcess {
  readonly pid = undefined;
  start: WorkerStart = {};
  readonly #launch: LaunchRequest;
  readonly #generation: number;
  readonly #services: Pick<SpawnServices, 'log' | 'eras'>;
  readonly #tell: (event: ProcessEvent) => void;
  readonly #exitListeners: (() => void)[] = [];
  #ended = false;

  constructor(
    launch: LaunchRequest,
    generation: number,
    services: Pick<SpawnServices, 'log' | 'eras'>,
    tell: (event: ProcessEvent) => void,
  ) {
    this.#launch = launch;
    this.#generation = generation;
    this.#services = services;
    this.#tell = tell;
  }

  async begin(): Promise<void> {
    const { kind, entry, boot, cwd, env, concurrency, protocol, plugin } = this.#launch;
    try {
      const log = this.#services.log(plugin);
      const note = (message: string): void => log.event({ generation: this.#generation }, message);
      const knownEra = (): KnownEra => this.#services.eras.of(identityOf(entry));
      const given = { cwd, env, concurrency, protocol, note, knownEra };
      const request = { plugin: boot, openSockets: () => undefined, ...given };
      this.start = await kind.start(request, entry);
      if (this.#ended) return;
      note(`worker started: ${plugin}, which another program runs`);
      this.#tell({ type: 'PROCESS.SPAWNED', process: this });
    } catch (error) {
      void this.#end({ spawnError: error });
    }
  }

  signal(signal: NodeJS.Signals): void {
    void this.#end({ signal });
  }

  streams(): Promise<WorkerStreams> {
    return Promise.reject(new Error('A server that another program runs has no streams here.'));
  }

  output(): string {
    return '';
  }

  onExit(listener: () => void): void {
    if (this.#ended) listener();
    else this.#exitListeners.push(listener);
  }

  async #end({ signal = null, spawnError }: { signal?: NodeJS.Signals | null; spawnError?: unknown }): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    for (const listener of this.#exitListeners.splice(0)) listener();
    // The machine that sent the signal is told when its step is over.
    await nextTurn();
    const exit = { code: null, signal, output: '', outOfMemory: false, spawnError, retryable: true };
    this.#tell({ type: 'PROCESS.EXITED', exit });
    await this.start.close?.();
    this.#tell({ type: 'PROCESS.GONE' });
  }
}
