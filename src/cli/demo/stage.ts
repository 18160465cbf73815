import type { ChildProcess } from 'node:child_process';
import { basename, dirname, join } from 'node:path';
import { GreenroomError } from '../../errors.ts';
import type { Manifest } from '../../manifest/schema.ts';
import { listProcesses, treeOf } from '../../measure/process-tree.ts';
import { readProcStat } from '../../process/proc-stat.ts';
import { processExists } from '../../process/process-identity.ts';
import { waitUntilGone } from '../../process/wait-until-gone.ts';
import type { PluginSnapshot } from '../../runtime/plugin-snapshot.ts';
import { createSupervisor, type Supervisor } from '../../runtime/supervisor.ts';
import type { Corpus } from './corpus.ts';
import type { DemoEvent, Reporter, Timing } from './events.ts';
import type { Workshop } from './workshop.ts';

/** A folder that cannot be watched, as some network drives cannot, is read anew after this long. */
const REDISCOVER_MS = 3_000;

/** What a plugin does not do within this long it will not do. */
const PATIENCE_MS = 30_000;

/** The memory for the plugins that say how much they need, in MiB. */
export const MEMORY_BUDGET_MB = 600;

/** What a stage is made of. */
export interface StageOptions {
  readonly corpus: Corpus;
  readonly workshop: Workshop;
  readonly report: Reporter;
  /** Whether the inspector is served. */
  readonly inspect: boolean;
  /** Ends everything that is waited for. */
  readonly signal: AbortSignal;
}

/** What may be set for a call of the demo. */
export interface StageCall {
  /** Cancels this call alone. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: number) => void) | undefined;
  /** How far the work had come before this call, 0 to 1; the progress of the call is shown as that of the rest. */
  readonly from?: number | undefined;
}

/** What the acts of the demo play on: a supervisor, the documents, and the reporter. */
export class Stage {
  readonly supervisor: Supervisor;
  readonly corpus: Corpus;
  readonly workshop: Workshop;
  readonly signal: AbortSignal;
  readonly timings: Timing[] = [];
  /** The plugins that cannot be shown, and `jobs` where these cannot. */
  readonly missing = new Set<string>();
  /** Calls that did what they were asked for. */
  results = 0;
  readonly #report: Reporter;
  readonly #startedAt = performance.now();
  /** The processes of all workers there were, and of programs that were killed. */
  readonly #pids = new Set<number>();
  /** The process of the worker that each plugin was last seen with. */
  readonly #serving = new Map<string, number>();

  private constructor(supervisor: Supervisor, { corpus, workshop, report, signal }: StageOptions) {
    this.supervisor = supervisor;
    this.corpus = corpus;
    this.workshop = workshop;
    this.signal = signal;
    this.#report = report;
    supervisor.on('transition', ({ plugin, from, to, phase, event, reason }) => {
      const seen = supervisor.plugins().find(({ name }) => name === plugin);
      if (to === 'spawning') this.#serving.delete(plugin);
      this.emit({ type: 'transition', plugin, from, to, phase, event, reason, pid: seen?.pid });
    });
    supervisor.on('instance', ({ plugin, generation, from, to, phase, reason }) => {
      const seen = supervisor.plugins().find(({ name }) => name === plugin);
      const pid = seen?.instances.find((instance) => instance.generation === generation)?.pid;
      this.emit({ type: 'instance', plugin, generation, from, to, phase, reason, pid });
    });
    supervisor.subscribe(({ plugins }) => plugins.forEach((plugin) => this.#noteWorker(plugin)));
  }

  /** Starts a supervisor over the plugins of the workshop. */
  static async open(options: StageOptions): Promise<Stage> {
    const { plugins, dataDir } = options.workshop;
    const supervisor = await createSupervisor({
      searchPaths: [plugins],
      dataDir,
      // Whatever the settings of the user say, the demo shows what there is by default.
      watch: true,
      load: 'lazy',
      capacity: { ramMb: MEMORY_BUDGET_MB },
      policy: 'queue',
      order: 'lru',
      inspect: options.inspect,
      restart: {},
      // Its log would tell once more that a worker has crashed.
      logLevel: 'silent',
    });
    const stage = new Stage(supervisor, options);
    if (supervisor.inspector !== undefined) stage.emit({ type: 'inspector', url: supervisor.inspector.url });
    return stage;
  }

  /** Milliseconds since the stage was opened. */
  now(): number {
    return performance.now() - this.#startedAt;
  }

  emit(event: DemoEvent): void {
    this.#report(event, this.now());
  }

  act(title: string, why: string, star?: string): void {
    this.emit({ type: 'act', title, why, star });
  }

  note(text: string): void {
    this.emit({ type: 'note', text });
  }

  snapshot(plugin: string): PluginSnapshot {
    return this.supervisor.plugin(plugin).snapshot();
  }

  /** Calls a plugin; its progress is shown. */
  call<Output>(plugin: string, input: unknown, options: StageCall = {}): Promise<Output> {
    const { signal, onProgress, from = 0 } = options;
    return this.supervisor.execute<Output>(plugin, input, {
      signal: signal === undefined ? this.signal : AbortSignal.any([this.signal, signal]),
      onProgress: ({ progress, message = '' }) => {
        this.emit({ type: 'progress', plugin, progress: from + (1 - from) * progress, message });
        onProgress?.(progress);
      },
    });
  }

  /** Writes fields into the manifest of a plugin. */
  edit(plugin: string, fields: Partial<Manifest>): void {
    const file = this.workshop.edit(plugin, fields);
    const shown = join(basename(dirname(file)), basename(file));
    this.emit({ type: 'edited', plugin, file: shown, change: JSON.stringify(fields) });
  }

  /** Tells what a call has come to. */
  result(plugin: string, action: string, ms: number, text: string, data: unknown): void {
    this.results += 1;
    this.emit({ type: 'result', plugin, action, ms, text, data });
  }

  timing(what: string, ms: number, note = ''): void {
    this.timings.push({ what, ms, note });
  }

  /** Resolves when the plugin is as it should be; rejects with `E_TIMEOUT`, or with the reason of the signal. */
  async until(plugin: string, isSo: (snapshot: PluginSnapshot) => boolean): Promise<void> {
    const { signal } = this;
    signal.throwIfAborted();
    let giveUp = (): void => {};
    let patience: NodeJS.Timeout | undefined;
    const rediscover = setTimeout(() => void this.supervisor.discover().catch(() => {}), REDISCOVER_MS);
    let off = (): void => {};
    try {
      await new Promise<void>((resolve, reject) => {
        giveUp = () => reject(signal.reason as Error);
        signal.addEventListener('abort', giveUp, { once: true });
        const tooLong = `Nothing came of what was done to "${plugin}" within ${PATIENCE_MS / 1_000} s.`;
        patience = setTimeout(() => reject(new GreenroomError('E_TIMEOUT', tooLong, { plugin })), PATIENCE_MS);
        off = this.supervisor.subscribe(() => {
          if (isSo(this.snapshot(plugin))) resolve();
        });
      });
    } finally {
      off();
      signal.removeEventListener('abort', giveUp);
      clearTimeout(patience);
      clearTimeout(rediscover);
    }
  }

  /** Kills a program that the demo has started, and resolves when everything that it had started has ended too. */
  async kill(program: ChildProcess): Promise<void> {
    const tree = treeOf(program.pid ?? [], await listProcesses()).map(({ pid }) => pid);
    for (const pid of tree) this.#pids.add(pid);
    program.kill('SIGKILL');
    await waitUntilGone(() => !tree.some(lives));
  }

  /** Stops the supervisor; resolves to the number of processes that are left of it. */
  async close(): Promise<number> {
    await this.supervisor.stop();
    const all = await listProcesses();
    const children = all.filter(({ ppid }) => ppid === process.pid).map(({ pid }) => pid);
    // What listed the processes is among them, and has ended.
    const seen = new Set([...this.#pids, ...treeOf([...this.#pids, ...children], all).map(({ pid }) => pid)]);
    return [...seen].filter(lives).length;
  }

  #noteWorker({ name, pid, state, instances }: PluginSnapshot): void {
    for (const instance of instances) if (instance.pid !== undefined) this.#pids.add(instance.pid);
    if (pid === undefined) return;
    if (state !== 'ready' && state !== 'busy') return;
    const former = this.#serving.get(name);
    this.#serving.set(name, pid);
    if (former !== undefined && former !== pid) this.emit({ type: 'replaced', plugin: name, pid, former });
  }
}

/** What has ended without its parent taking note lives no more. */
function lives(pid: number): boolean {
  return processExists(pid) && readProcStat(pid)?.zombie !== true;
}
