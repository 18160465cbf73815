import type { ActorRefFrom } from 'xstate';
import type { CallSite } from '../calls/call-site.ts';
import type { LeaseEdges } from '../calls/lease-edges.ts';
import { LeaseGate } from '../calls/lease-gate.ts';
import type { EncodedInput, UnsavedInput } from '../channel/encoded-input.ts';
import type { Integers } from '../json/read-json.ts';
import { outdatedInstance } from '../machines/plugin/siblings.ts';
import type { PluginContext, PluginEvent, PluginPhase, PluginState, pluginMachine } from '../machines/plugin.ts';
import type { ManifestEntry } from '../manifest/read.ts';
import type { JsonObject } from '../mcp/json-rpc.ts';
import type { Clock } from '../time/clock.ts';
import type { ToolCache } from '../tools/tool-cache.ts';
import { kindOf } from '../worker-kinds/kinds.ts';
import { InstanceWatch } from './instance-watch.ts';
import type { PluginSnapshot } from './plugin-snapshot.ts';
import { PluginTools } from './plugin-tools.ts';
import type { InstanceEvent } from './supervisor-events.ts';

/** What the plugins of a supervisor share of their calls' site. */
export type SharedSite = Pick<
  CallSite,
  'clock' | 'patience' | 'streamIdleMs' | 'integers' | 'warn' | 'onListenerError' | 'supervisor'
> & {
  readonly edges: LeaseEdges;
  readonly toolCache: ToolCache;
  /** The plugin of this name, a server of MCP, tells something unasked. */
  readonly onNotice: (plugin: string, method: string, params: JsonObject) => void;
  /** Something has changed at workers of a plugin that may have several. */
  readonly onInstances: (events: readonly InstanceEvent[]) => void;
};

/** One plugin of a supervisor: its actor, its gate, and what was last seen of its state. */
export class PluginRecord implements CallSite {
  readonly plugin: string;
  readonly gate: LeaseGate;
  readonly clock: Clock;
  readonly patience: Clock;
  readonly streamIdleMs: number;
  readonly integers: Integers;
  readonly warn: CallSite['warn'];
  readonly onListenerError: (error: unknown) => void;
  readonly supervisor: object;
  readonly saving: CallSite['saving'] = new Set();
  readonly tools: PluginTools;
  /** Set right after the record, which the actor's input needs, was made. */
  actor!: ActorRefFrom<typeof pluginMachine>;
  state: PluginState = 'discovered';
  phase: PluginPhase = 'idle';
  /** When the state was entered, by the monotonic clock; `since` is the time of day then. */
  enteredAt: number;
  since: number;
  lastUsedAt: number | undefined;
  /** When it last failed with what is its last error, by the monotonic clock; `lastErrorAt` is the time of day then. */
  failedAt: number | undefined;
  lastErrorAt: number | undefined;
  /** Until when the next config waits; undefined where none is being given. */
  configuring: Promise<void> | undefined;
  /** Why the last replacement of its worker failed; undefined where it did not. */
  replacementError: Error | undefined;
  readonly #instances: InstanceWatch;
  readonly #onInstances: (events: readonly InstanceEvent[]) => void;
  readonly #watchers = new Set<() => void>();
  #changed = false;
  #wasReplacing = false;
  #lastError: PluginContext['lastError'];

  constructor(plugin: string, site: SharedSite) {
    const { clock, patience, streamIdleMs, integers, warn, onListenerError, supervisor, edges, toolCache } = site;
    this.plugin = plugin;
    this.clock = clock;
    this.patience = patience;
    this.streamIdleMs = streamIdleMs;
    this.integers = integers;
    this.warn = warn;
    this.onListenerError = onListenerError;
    this.supervisor = supervisor;
    this.enteredAt = clock.monotonic();
    this.since = clock.now();
    this.gate = new LeaseGate(plugin, (event) => this.send(event), edges);
    this.tools = new PluginTools(this, toolCache, (method, params) => site.onNotice(plugin, method, params));
    this.#instances = new InstanceWatch(plugin);
    this.#onInstances = site.onInstances;
  }

  get context(): PluginContext {
    return this.actor.getSnapshot().context;
  }

  get entry(): ManifestEntry {
    return this.context.entry;
  }

  /** Tells the machine; what comes after its end goes nowhere. */
  send(event: PluginEvent): void {
    if (this.actor.getSnapshot().status === 'active') this.actor.send(event);
  }

  /**
   * Cancels every call for its caller: those that are saved to files or wait, and those that run at any worker, also at an
   * old one that is being replaced.
   */
  cancelCalls(reason: unknown): void {
    for (const call of [...this.saving]) call.cancel(reason);
    this.gate.cancelWaiting(reason);
    for (const { residency } of this.context.workers) {
      for (const request of [...(residency?.leases ?? [])]) request.cancel?.(reason);
    }
  }

  /** Cancels the call with this identifier for its caller, wherever it is; false where it has ended. */
  cancelCall(id: string, reason: unknown): boolean {
    const leases = this.context.workers.flatMap(({ residency }) => [...(residency?.leases ?? [])]);
    const isIt = (call: { readonly id?: string }): boolean => call.id === id;
    const call = [...this.saving].find(isIt) ?? this.gate.waitingCall(id) ?? leases.find(isIt);
    call?.cancel?.(reason);
    return call !== undefined;
  }

  /** A state was entered, in the middle of a step of the machine. Its context is complete only when the step is. */
  enter(state: PluginState, phase: PluginPhase, at: number): void {
    this.enteredAt = this.clock.monotonic();
    this.state = state;
    this.phase = phase;
    this.since = at;
    if (state === 'busy' || state === 'ready') this.lastUsedAt = at;
    this.#changed = true;
  }

  /** Something else has changed that those who watch want to hear of. */
  noteChange(): void {
    this.#changed = true;
  }

  /** One of several workers is lost, and the others serve. */
  noteLoss(generation: number, reason: string): void {
    this.#instances.noteLoss(generation, reason);
  }

  /** A step of the machine is complete: tells those who watch, if there is something to tell. */
  settle(): void {
    const { replacing, context } = this;
    if (context.lastError !== this.#lastError) {
      this.#lastError = context.lastError;
      this.failedAt = this.clock.monotonic();
      this.lastErrorAt = this.clock.now();
    }
    if (this.#instances.concerns(context)) {
      const events = this.#instances.look(context, this, this.clock.now());
      if (events.length > 0) {
        this.#changed = true;
        this.#onInstances(events);
      }
    }
    if (!this.#changed && replacing === this.#wasReplacing) return;
    this.#changed = false;
    this.#wasReplacing = replacing;
    for (const watcher of [...this.#watchers]) watcher();
  }

  /** Calls back whenever a state was entered. Returns how to stop. The callback must not throw. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  encode(input: unknown): EncodedInput | UnsavedInput {
    return kindOf(this.entry.manifest).encode(this.plugin, input);
  }

  idempotent(): boolean {
    return this.context.settings.idempotent;
  }

  cancelGraceMs(): number {
    return this.context.settings.cancelGraceMs;
  }

  /** Whether its worker takes calls. */
  get serving(): boolean {
    return this.state === 'ready' || (this.state === 'busy' && this.phase === 'serving');
  }

  /** Whether another worker is being put in the place of the one that serves. */
  get replacing(): boolean {
    const snapshot = this.actor.getSnapshot();
    const { context } = snapshot;
    if (context.replaceAgain || outdatedInstance(context) !== undefined) return true;
    return !snapshot.matches({ alive: { replacement: 'none' } });
  }

  /** Whether it has no worker and wants none. */
  get atRest(): boolean {
    return this.state === 'discovered' && this.phase === 'idle';
  }

  /** Whether it does nothing and waits for nothing but time or a call. */
  get resting(): boolean {
    switch (this.state) {
      case 'ready':
        return true;
      case 'released':
        return this.phase !== 'releasing';
      case 'discovered':
        return this.phase !== 'stopping';
      case 'crashed':
        return this.phase !== 'deciding' && this.gate.waiting === 0;
      case 'spawning':
      case 'busy':
        return false;
    }
  }

  get loaded(): boolean {
    switch (this.state) {
      case 'ready':
      case 'busy':
      case 'released':
        return true;
      case 'spawning':
      case 'crashed':
        return this.context.keepLoaded && this.context.everReady && this.phase !== 'failed';
      case 'discovered':
        return false;
    }
  }

  /** Its leases say whether it is ready or busy; the machine is told a little later. */
  shownState(): Pick<PluginSnapshot, 'state' | 'phase' | 'since'> {
    const { state, phase, since, gate } = this;
    const isBusy = gate.leases > 0;
    if (!this.serving || isBusy === (state === 'busy')) return { state, phase, since };
    const changed = gate.usedAt ?? since;
    return isBusy
      ? { state: 'busy', phase: 'serving', since: changed }
      : { state: 'ready', phase: 'ready', since: changed };
  }

  /** Whether what its instances do is told of: it may have several, or had them. */
  get tellsInstances(): boolean {
    return this.#instances.concerns(this.context);
  }

  hasInstances(): boolean {
    return this.context.settings.instances.max > 1;
  }

  snapshot(): PluginSnapshot {
    const { context } = this;
    const { entry, enabled, generation, restarts, lastError, current, workers } = context;
    const shown = this.shownState();
    const { manifest } = entry;
    return Object.freeze({
      name: this.plugin,
      version: manifest.version ?? '',
      description: manifest.description ?? '',
      category: manifest.category ?? '',
      manifestPath: entry.file,
      ...shown,
      loaded: this.loaded,
      replacing: this.replacing,
      enabled,
      pid: workers.find((slot) => slot.generation === current)?.pid,
      instances: this.#instances.snapshot(context, shown),
      generation,
      restarts,
      inFlight: this.gate.leases,
      waiting: this.gate.waiting,
      lastUsedAt: later(this.lastUsedAt, this.gate.usedAt),
      lastError:
        lastError === undefined ? undefined : Object.freeze({ code: lastError.code, message: lastError.message }),
      lastErrorAt: this.lastErrorAt,
    });
  }

  /**
   * Resolves when the plugin is in a state of which `decide` returns true; rejects with the error it returns. Asked at
   * once and whenever a state is entered.
   */
  until(decide: () => boolean | Error): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const verdict = decide();
        if (verdict === false) return;
        off();
        if (verdict === true) resolve();
        else reject(verdict);
      };
      const off = this.watch(look);
      look();
    });
  }
}

function later(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.max(one, other);
}
