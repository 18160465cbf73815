import type { Supervisor } from '../runtime/supervisor.ts';
import type { TransitionEvent } from '../runtime/supervisor-events.ts';
import type { OpenCall } from './open-call.ts';

/** Which plugins are being started, and the calls that wait for them. */
export class PluginLoads {
  readonly #guard: (step: () => void) => void;
  readonly #stop: () => void;
  readonly #loading = new Set<string>();
  readonly #waiting = new Map<string, Set<OpenCall>>();

  /** `guard` runs what makes spans. */
  constructor(supervisor: Supervisor, guard: (step: () => void) => void) {
    this.#guard = guard;
    for (const { name, state, phase } of supervisor.plugins())
      if (isLoad({ to: state, phase })) this.#loading.add(name);
    this.#stop = supervisor.on('transition', (event) => this.#note(event));
  }

  close(): void {
    this.#stop();
    this.#waiting.clear();
  }

  /** The call waits for a worker of the plugin. */
  addWaiting(plugin: string, call: OpenCall): void {
    const calls = this.#waiting.get(plugin);
    if (calls === undefined) this.#waiting.set(plugin, new Set([call]));
    else calls.add(call);
    call.enter(this.#loading.has(plugin) ? 'load' : 'queue');
  }

  /** It waits no more; does nothing where it did not wait. */
  removeWaiting(plugin: string, call: OpenCall): void {
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
    for (const call of this.#waiting.get(plugin) ?? []) this.#guard(() => call.enter(part));
  }
}

/** Waiting for memory, `admitting`, is waiting: nothing is started yet. */
function isLoad({ to, phase }: Pick<TransitionEvent, 'to' | 'phase'>): boolean {
  return to === 'spawning' && phase !== 'admitting';
}
