import type { PluginSnapshot } from '../runtime/plugin-snapshot.ts';
import type { TransitionEvent } from '../runtime/supervisor-events.ts';

/** What a call is at: it waits for a worker (`queue`), for one that is being started (`load`), or a worker runs it. */
export type CallPart = 'queue' | 'load' | 'run';

/** A call that has begun and not ended, as those follow it who watch calls. */
export interface PartedCall {
  /** The call enters a part; entering the same part goes on with it. */
  enter(part: CallPart): unknown;
}

/** The plugins there are, and where their transitions are told. */
export interface LoadSource {
  readonly plugins: Iterable<Pick<PluginSnapshot, 'state' | 'phase'> & { readonly plugin: string }>;
  /** Returns how to stop. */
  follow(listener: (event: TransitionEvent) => void): () => void;
}

/** Which plugins are being started, and the calls that wait for them: tells each whether it is at `queue` or `load`. */
export class PluginLoads {
  readonly #guard: (step: () => void) => void;
  readonly #stop: () => void;
  readonly #loading = new Set<string>();
  readonly #waiting = new Map<string, Set<PartedCall>>();

  /** @param guard runs what the calls do as they enter a part, and keeps its errors away */
  constructor({ plugins, follow }: LoadSource, guard: (step: () => void) => void) {
    this.#guard = guard;
    for (const { plugin, state, phase } of plugins) if (isLoad({ to: state, phase })) this.#loading.add(plugin);
    this.#stop = follow((event) => this.#note(event));
  }

  close(): void {
    this.#stop();
    this.#waiting.clear();
  }

  /** The call waits for a worker of the plugin. */
  addWaiting(plugin: string, call: PartedCall): void {
    const calls = this.#waiting.get(plugin);
    if (calls === undefined) this.#waiting.set(plugin, new Set([call]));
    else calls.add(call);
    call.enter(this.#loading.has(plugin) ? 'load' : 'queue');
  }

  /** It waits no more; does nothing where it did not wait. */
  removeWaiting(plugin: string, call: PartedCall): void {
    const calls = this.#waiting.get(plugin);
    if (calls?.delete(call) === true && calls.size === 0) this.#waiting.delete(plugin);
  }

  #note(event: TransitionEvent): void {
    const { plugin } = event;
    const isLoading = isLoad(event);
    if (isLoading === this.#loading.has(plugin)) return;
    if (isLoading) this.#loading.add(plugin);
    else this.#loading.delete(plugin);
    // A plugin that is ready starts calls within the same step, and those go from `load` to `run` at once.
    if (isLoading) this.#enterPart(plugin);
    else queueMicrotask(() => this.#enterPart(plugin));
  }

  #enterPart(plugin: string): void {
    const part = this.#loading.has(plugin) ? 'load' : 'queue';
    for (const call of this.#waiting.get(plugin) ?? []) this.#guard(() => void call.enter(part));
  }
}

/** Waiting for memory, `admitting`, is waiting: nothing is started yet. */
function isLoad({ to, phase }: Pick<TransitionEvent, 'to' | 'phase'>): boolean {
  return to === 'spawning' && phase !== 'admitting';
}
