import { type AnyActorRef, createActor } from 'xstate';
import { GreenroomError } from '../errors.ts';
import type { PluginHost, pluginMachine } from '../machines/plugin.ts';
import type { PluginSet } from '../machines/supervisor.ts';
import type { ManifestChange } from '../manifest/source.ts';
import { MONITOR_NEED } from '../scheduler/need.ts';
import { ONE_INSTANCE } from '../settings/instances.ts';
import type { PluginSettings } from '../settings/plugin-settings.ts';
import { PluginRecord, type SharedSite } from './plugin-record.ts';

type ManifestInForce = Exclude<ManifestChange, { type: 'removed' }>;

/** What the plugins of a supervisor share. */
export interface PluginsParts {
  readonly logic: typeof pluginMachine;
  readonly host: PluginHost;
  readonly site: () => SharedSite;
  /** The settings of a plugin, from its manifest and the supervisor's. */
  readonly settingsOf: (manifest: ManifestInForce['entry']['manifest']) => PluginSettings;
  /** The supervisor's actor. */
  readonly parent: () => AnyActorRef;
  readonly scheduler: () => AnyActorRef;
  /** A plugin was added or has gone, or one of them has taken a step. */
  readonly onChange: () => void;
  /** A plugin was added, and its actor is started. */
  readonly onAdd: (record: PluginRecord) => void;
  /** A plugin is gone for good. */
  readonly onForget: (plugin: string, record: PluginRecord | undefined) => void;
  /** The machine of a plugin has failed, which is a bug of ours. */
  readonly onError: (record: PluginRecord, error: unknown) => void;
}

/** The plugins of a supervisor: a record and an actor for every manifest in force. */
export class Plugins implements PluginSet {
  readonly records = new Map<string, PluginRecord>();
  readonly #parts: PluginsParts;
  /** Manifests that came back before the former actor of their name had ended. */
  readonly #returning = new Map<string, ManifestInForce>();
  #monitor: string | undefined;

  constructor(parts: PluginsParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.records.size;
  }

  apply(changes: readonly ManifestChange[]): void {
    for (const change of changes) {
      const record = this.records.get(change.name);
      if (change.type === 'removed') {
        this.#returning.delete(change.name);
        record?.send({
          type: 'REMOVE',
          error: new GreenroomError('E_UNKNOWN_PLUGIN', `The manifest of "${change.name}" was removed.`, {
            plugin: change.name,
          }),
        });
      } else if (record === undefined) {
        this.#add(change);
      } else if (record.context.intent === 'remove') {
        this.#returning.set(change.name, change);
      } else {
        this.#change(record, change.entry, effectOf(change));
      }
    }
    this.#parts.onChange();
  }

  endAll(): void {
    this.#returning.clear();
    for (const record of this.records.values()) {
      const { plugin } = record;
      record.send({
        type: 'REMOVE',
        // Without `plugin`, which would say that others go on.
        error: new GreenroomError('E_STOPPING', `The supervisor is stopping, and "${plugin}" with it.`),
      });
    }
  }

  forget(plugin: string): void {
    const record = this.records.get(plugin);
    this.records.delete(plugin);
    this.#parts.onForget(plugin, record);
    record?.settle();
    this.#parts.onChange();
    const returned = this.#returning.get(plugin);
    if (returned === undefined) return;
    this.#returning.delete(plugin);
    this.#add(returned);
  }

  /** The plugin that is the system monitor, if one is: others wait for its figures, so it is never evicted nor waits. */
  get monitor(): string | undefined {
    return this.#monitor;
  }

  set monitor(plugin: string | undefined) {
    const former = this.#monitor;
    this.#monitor = plugin;
    for (const name of new Set([former, plugin])) {
      const record = name === undefined ? undefined : this.records.get(name);
      if (record !== undefined) this.#change(record, record.entry, 'none');
    }
  }

  #change(record: PluginRecord, entry: ManifestInForce['entry'], effect: Effect): void {
    record.send({ type: 'MANIFEST.CHANGED', entry, settings: this.#settingsOf(entry.manifest), effect });
  }

  #settingsOf(manifest: ManifestInForce['entry']['manifest']): PluginSettings {
    const settings = this.#parts.settingsOf(manifest);
    if (manifest.name !== this.#monitor) return settings;
    return { ...settings, need: MONITOR_NEED, instances: ONE_INSTANCE };
  }

  #add({ entry, name }: ManifestInForce): void {
    const { logic, host, site, parent, scheduler, onChange, onAdd, onError } = this.#parts;
    const record = new PluginRecord(name, site());
    const settings = this.#settingsOf(entry.manifest);
    record.gate.limit(settings);
    this.records.set(name, record);
    // Beside XState's own children: spawning there copies the record of all children each time.
    record.actor = createActor(logic, {
      parent: parent() as never,
      id: name,
      input: { entry, settings, gate: record.gate, host, scheduler: scheduler(), supervisor: parent() },
    });
    record.actor.subscribe({
      next: () => {
        record.settle();
        onChange();
      },
      error: (error) => onError(record, error),
    });
    record.actor.start();
    onAdd(record);
  }
}

type Effect = 'none' | 'reconfigure' | 'replace';

/** The smallest thing that has to happen to a plugin whose manifest has changed. */
function effectOf(change: ManifestInForce): Effect {
  const consequences = change.consequences ?? [];
  if (consequences.includes('replace')) return 'replace';
  return consequences.includes('config') ? 'reconfigure' : 'none';
}
