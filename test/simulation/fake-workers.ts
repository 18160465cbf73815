import type { connectWorker } from '../../src/actors/connect.ts';
import type { SpawnedWorker, spawnWorker } from '../../src/actors/process.ts';
import { remoteError } from '../../src/channel/remote-error.ts';
import type {
  CallInFlight,
  CallSink,
  ConfigChannel,
  Connection,
  OutgoingCall,
  WorkerChannel,
} from '../../src/channel/worker-channel.ts';
import { GreenroomError } from '../../src/errors.ts';
import type { LaunchRequest } from '../../src/machines/worker.ts';
import type { TreeSampler } from '../../src/measure/process-tree.ts';
import type { ProcessEvent, WorkerExit, WorkerProcess, WorkerStreams } from '../../src/process/worker-process.ts';
import { type CancelOutcome, EXIT_DO_NOT_RESTART, type Health } from '../../src/protocol.ts';

/** How a step of a worker goes: done at once, after this many milliseconds, not before it is told to, or refused. */
export type Way = 'prompt' | number | 'late' | 'refused';

/** Does something after so many milliseconds of the simulated time. */
type Later = (fn: () => void, ms: number) => void;

/** How a worker behaves. */
export interface Manner {
  /** Whether a package is installed before it is spawned, and how that goes. */
  readonly install?: Way;
  readonly spawn: Way;
  readonly connect: Way;
  readonly initialize: Way;
  readonly release: Way | 'nothing';
  readonly cleanup: Way;
  readonly health: Way;
  /** The memory that it uses from its start on, in MiB. */
  readonly rssMb: number;
  /** Whether SIGTERM ends it. */
  readonly heedsTerm: boolean;
  /** Whether a call that is cancelled ends. */
  readonly heedsCancel: boolean;
  /** Whether its tree is gone with it, or only when it is buried. */
  readonly buried: boolean;
}

/** A worker as it should be. */
export const GOOD: Manner = {
  spawn: 'prompt',
  connect: 'prompt',
  initialize: 'prompt',
  release: 'prompt',
  cleanup: 'prompt',
  health: 'prompt',
  rssMb: 50,
  heedsTerm: true,
  heedsCancel: true,
  buried: true,
};

const HUNG: Manner = {
  spawn: 'late',
  connect: 'late',
  initialize: 'late',
  release: 'late',
  cleanup: 'late',
  health: 'late',
  rssMb: 50,
  heedsTerm: false,
  heedsCancel: false,
  buried: true,
};

interface Late {
  proceed(): void;
  refuse(error: Error): void;
}

/** What a fake worker is called with: its result, and after how many milliseconds; by default when it is told to. */
export interface FakeInput {
  readonly value?: unknown;
  readonly ms?: number | undefined;
}

/** A call that a fake worker is at. */
interface FakeCall {
  readonly sink: CallSink;
  readonly streams: boolean;
  readonly value: unknown;
}

/** What fake workers need of the world around them. */
export interface FakeWorkersOptions {
  readonly mannerOf: (plugin: string) => Manner;
  /** Told of what is asked of a worker, before it is done; its start is `spawn`. */
  readonly asked?: ((worker: FakeWorker, what: string) => void) | undefined;
  readonly later: Later;
}

/** No process has a number as high as this. */
const FIRST_PID = 2 ** 22;

/** Process, connection and plugin in one object, without a process, a connection or a plugin. */
export class FakeWorker implements SpawnedWorker, WorkerProcess, WorkerChannel {
  readonly start = {};
  readonly pid: number;
  readonly plugin: string;
  readonly generation: number;
  readonly concurrency: number;
  /** The GPUs that it sees. */
  readonly devices: string | undefined;
  manner: Manner;
  /** The calls that it is at. */
  readonly calls = new Map<string, FakeCall>();
  /** The memory that it uses, in MiB. */
  rssMb: number;
  readonly signals: string[] = [];
  exited = false;
  gone = false;
  readonly #late = new Set<Late>();
  #tell: (event: ProcessEvent) => void;
  readonly #asked: (worker: FakeWorker, what: string) => void;
  readonly #later: Later;

  constructor(
    pid: number,
    { plugin, concurrency, env }: LaunchRequest,
    generation: number,
    tell: (event: ProcessEvent) => void,
    { mannerOf, asked = () => {}, later }: FakeWorkersOptions,
  ) {
    this.pid = pid;
    this.plugin = plugin;
    this.generation = generation;
    this.concurrency = concurrency;
    this.devices = env['CUDA_VISIBLE_DEVICES'];
    this.manner = mannerOf(plugin);
    this.rssMb = this.manner.rssMb;
    this.#tell = tell;
    this.#asked = asked;
    this.#later = later;
    void this.#begin();
  }

  async #begin(): Promise<void> {
    const { install } = this.manner;
    try {
      if (install !== undefined) {
        this.#tell({ type: 'PROCESS.INSTALLING' });
        await this.#step(install, undefined, new GreenroomError('E_START', 'There is no such package.'));
        if (!this.exited) this.#tell({ type: 'PROCESS.INSTALLED' });
      }
      await this.#step(this.manner.spawn, undefined, new GreenroomError('E_MANIFEST', 'There is no such program.'));
      if (!this.exited) this.#tell({ type: 'PROCESS.SPAWNED', process: this });
    } catch (error) {
      if (!this.exited) this.exit({ code: null, spawnError: error, retryable: false });
    }
  }

  connect(signal: AbortSignal): Promise<Connection> {
    const error = new GreenroomError('E_HANDSHAKE', 'That is no handshake.');
    const { concurrency } = this;
    return this.#step(this.manner.connect, { channel: this, concurrency }, error, signal);
  }

  /** What was late goes on. */
  proceed(): void {
    for (const late of [...this.#late]) late.proceed();
  }

  /** What was late fails. */
  fail(error: GreenroomError): void {
    for (const late of [...this.#late]) late.refuse(error);
  }

  /** Ends the oldest call. */
  answer(error?: GreenroomError): void {
    const [call] = this.calls.keys();
    if (call !== undefined) this.#end(call, error);
  }

  #end(call: string, error: GreenroomError | undefined): void {
    const found = this.calls.get(call);
    if (found === undefined) return;
    this.calls.delete(call);
    const { sink, streams, value } = found;
    if (error !== undefined) sink.onError(error);
    else if (streams) {
      sink.onChunk(value, 1);
      sink.onResult(undefined);
    } else sink.onResult(value);
  }

  /** The process ends. */
  exit(how: Partial<WorkerExit> = {}): void {
    if (this.exited) return;
    this.exited = true;
    const code = how.code === undefined ? 1 : how.code;
    const retryable = code !== EXIT_DO_NOT_RESTART;
    this.#tell({
      type: 'PROCESS.EXITED',
      exit: { code, signal: null, output: '', outOfMemory: false, retryable, ...how },
    });
    this.close();
    if (this.manner.buried) this.bury();
  }

  /** Nothing is left of the process. */
  bury(): void {
    if (!this.exited || this.gone) return;
    this.gone = true;
    this.#tell({ type: 'PROCESS.GONE' });
    // Those who were told are not to be kept for as long as it is remembered.
    this.#tell = () => {};
  }

  /** From here on it uses more memory than any manifest allows. */
  grow(): void {
    this.rssMb = 100_000;
  }

  /** From here on it answers nothing, and heeds nothing but SIGKILL. */
  hang(): void {
    const { buried } = this.manner;
    this.manner = { ...HUNG, buried };
  }

  /** From here on it behaves. */
  recover(): void {
    this.manner = GOOD;
    this.rssMb = GOOD.rssMb;
    this.proceed();
    while (this.calls.size > 0) this.answer();
    this.bury();
  }

  signal(signal: NodeJS.Signals): void {
    this.signals.push(signal);
    this.#asked(this, signal);
    if (this.exited || (signal === 'SIGTERM' && !this.manner.heedsTerm)) return;
    // As with a process, its end comes later than the signal.
    queueMicrotask(() => this.exit({ code: null, signal }));
  }

  streams(): Promise<WorkerStreams> {
    throw new Error('A fake worker has no streams.');
  }

  output(): string {
    return '';
  }

  onExit(): void {}

  execute(call: OutgoingCall, sink: CallSink): CallInFlight {
    return this.#take(call, sink, false);
  }

  stream(call: OutgoingCall, sink: CallSink): CallInFlight {
    return this.#take(call, sink, true);
  }

  #take({ id: call, input }: OutgoingCall, sink: CallSink, streams: boolean): CallInFlight {
    this.#asked(this, 'call');
    const { value, ms } = JSON.parse(input.kwargs) as FakeInput;
    this.calls.set(call, { sink, streams, value });
    if (this.exited) queueMicrotask(() => this.#end(call, broken()));
    else if (ms !== undefined) this.#later(() => this.#end(call, undefined), ms);
    return { pause: () => {}, resume: () => {} };
  }

  cancel(call: string): Promise<CancelOutcome> {
    if (this.exited) return Promise.reject(broken());
    if (this.manner.heedsCancel) queueMicrotask(() => this.#end(call, raised('Cancelled.')));
    return Promise.resolve('requested' as CancelOutcome);
  }

  health(signal: AbortSignal): Promise<Health> {
    return this.#step(this.manner.health, { nonce: 'nonce', pid: this.pid } as Health, broken(), signal);
  }

  readonly config: ConfigChannel = {
    initialize: (_config, signal) =>
      this.#step(this.manner.initialize, undefined, raised('It will not start.'), signal),
    get: () => Promise.resolve({}),
    schema: () => Promise.resolve(null),
  };

  async release(signal: AbortSignal): Promise<boolean> {
    this.#asked(this, 'release');
    const { release } = this.manner;
    if (release === 'nothing') return false;
    return await this.#step(release, true, raised('It keeps it.'), signal);
  }

  cleanup(signal: AbortSignal): Promise<void> {
    this.#asked(this, 'cleanup');
    return this.#step(this.manner.cleanup, undefined, raised('It is not clean.'), signal);
  }

  close(): void {
    this.fail(broken());
    for (const call of [...this.calls.keys()]) queueMicrotask(() => this.#end(call, broken()));
  }

  #step<T>(way: Way, value: T, error: Error, signal?: AbortSignal): Promise<T> {
    if (this.exited) return Promise.reject(broken());
    if (way === 'prompt') return Promise.resolve(value);
    if (way === 'refused') return Promise.reject(error);
    return new Promise<T>((resolve, reject) => {
      const end = (settle: () => void) => (): void => {
        this.#late.delete(late);
        signal?.removeEventListener('abort', onAbort);
        settle();
      };
      const onAbort = end(() => reject(signal?.reason as Error));
      const late: Late = { proceed: end(() => resolve(value)), refuse: (reason) => end(() => reject(reason))() };
      this.#late.add(late);
      if (typeof way === 'number') this.#later(() => late.proceed(), way);
      signal?.addEventListener('abort', onAbort);
    });
  }
}

function raised(message: string): GreenroomError {
  return remoteError('fake', { type: 'Error', message });
}

function broken(): GreenroomError {
  return new GreenroomError('E_CRASHED', 'The connection broke.');
}

/** Starts fake workers in the place of processes. */
export class FakeWorkers {
  readonly all: FakeWorker[] = [];
  readonly #options: FakeWorkersOptions;
  readonly #living = new Map<string, Set<FakeWorker>>();
  readonly #spawned = new Map<string, number>();

  constructor(options: FakeWorkersOptions) {
    this.#options = options;
  }

  readonly spawn: typeof spawnWorker = (launch, generation, _services, tell) => {
    const { plugin } = launch;
    const living = this.#living.get(plugin) ?? new Set();
    this.#living.set(plugin, living);
    const heard = (event: ProcessEvent): void => {
      if (event.type === 'PROCESS.GONE') living.delete(worker);
      tell(event);
    };
    const worker = new FakeWorker(FIRST_PID + this.all.length, launch, generation, heard, this.#options);
    this.#options.asked?.(worker, 'spawn');
    living.add(worker);
    this.#spawned.set(plugin, this.spawned(plugin) + 1);
    this.all.push(worker);
    return worker;
  };

  readonly connect: typeof connectWorker = (process, _launch, signal) => (process as FakeWorker).connect(signal);

  /** Measures the workers. */
  readonly sampler: TreeSampler = {
    sample: (pid) => {
      const memoryRssMb = this.all[pid - FIRST_PID]?.rssMb ?? null;
      return Promise.resolve({ pid, memoryRssMb, cpuPercent: null, processes: null, uptimeMs: null });
    },
  };

  /** How many workers a plugin has had. */
  spawned(plugin: string): number {
    return this.#spawned.get(plugin) ?? 0;
  }

  /** Those of which something is left, of one plugin or of all. */
  living(plugin?: string): FakeWorker[] {
    if (plugin !== undefined) return [...(this.#living.get(plugin) ?? [])];
    return [...this.#living.values()].flatMap((workers) => [...workers]);
  }
}
