import type { ManifestEntry } from '../manifest/read.ts';
import type { ManifestChange } from '../manifest/source.ts';
import { type ClientSession, type PluginNotice, type ProcessOwner, WITHOUT_SESSION } from '../mcp/front-plugin.ts';

/** How long the process of one client may be without a call before it is ended, in milliseconds, where its manifest does not say. */
const IDLE_MS = 30 * 60_000;

/** What makes, changes and ends the plugins of single clients. */
export interface ClientProcessesHost {
  /** The manifest in force of a plugin; undefined where there is no such plugin. */
  entryOf(plugin: string): ManifestEntry | undefined;
  apply(changes: readonly ManifestChange[]): void;
  /** Whether a plugin has calls that run or wait. */
  isBusy(plugin: string): boolean;
  /** Ends the worker of a plugin after its calls, if it has one. */
  unload(plugin: string): void;
}

/**
 * The plugins of clients that must not share a server. The first client gets the plugin itself, each further one a copy of
 * it, such as `memory@2`, which ends with the client. So one client alone has one process. A client that a server may ask
 * gets a process that was started for it, as servers are told only when they begin what their client answers.
 */
export class ClientProcesses {
  readonly #host: ClientProcessesHost;
  /** By plugin, who has it and its copies. */
  readonly #owners = new Map<string, Map<ProcessOwner, string>>();
  /** Plugins whose client has gone, until their next start: what they still tell is of that client. */
  readonly #left = new Set<string>();

  constructor(host: ClientProcessesHost) {
    this.#host = host;
  }

  /** The plugin of this client: the one of this name, or a copy of it, which is made now if need be. */
  pluginOf(base: string, session: ClientSession | undefined): string {
    const owner = session ?? WITHOUT_SESSION;
    const owners = this.#owners.get(base) ?? new Map<ProcessOwner, string>();
    this.#owners.set(base, owners);
    const known = owners.get(owner);
    if (known !== undefined) return known;
    const isAsked = session !== undefined && Object.keys(session.capabilities).length > 0;
    const taken = new Set(owners.values());
    // One that works for a program is not ended for a client.
    if (isAsked && this.#host.isBusy(base)) taken.add(base);
    const name = this.#freeName(base, taken);
    if (name !== base) this.#add(base, name);
    else if (isAsked) this.#host.unload(base);
    owners.set(owner, name);
    session?.onEnd(() => this.#end(base, session));
    return name;
  }

  /** The copy of a plugin that a client has; undefined where it has none. */
  copyOf(base: string, session: ClientSession | undefined): string | undefined {
    const name = this.#owners.get(base)?.get(session ?? WITHOUT_SESSION);
    return name === base ? undefined : name;
  }

  /** A process is started: for which client; undefined where it is for all, or for those without a session. */
  begun(plugin: string): ClientSession | undefined {
    this.#left.delete(plugin);
    const owner = this.#placeOf(plugin)?.owner;
    return owner === WITHOUT_SESSION ? undefined : owner;
  }

  /** Where what a process tells unasked comes from, and who is to know. Undefined: nobody, as its client has gone. */
  addressOf(plugin: string): Omit<PluginNotice, 'method' | 'params'> | undefined {
    if (this.#left.has(plugin)) return undefined;
    const place = this.#placeOf(plugin);
    if (place !== undefined) return { plugin: place.base, isOfCopy: place.base !== plugin, owner: place.owner };
    return this.#host.entryOf(plugin)?.copyOf === undefined ? { plugin, isOfCopy: false } : undefined;
  }

  #placeOf(plugin: string): { readonly base: string; readonly owner: ProcessOwner } | undefined {
    for (const [base, owners] of this.#owners)
      for (const [owner, name] of owners) if (name === plugin) return { base, owner };
    return undefined;
  }

  /** What changes of manifests mean for copies too. */
  withCopies(changes: readonly ManifestChange[]): readonly ManifestChange[] {
    return changes.flatMap((change): readonly ManifestChange[] => {
      const copies = this.#copiesOf(change.name);
      if (change.type === 'removed') {
        this.#owners.delete(change.name);
        return [change, ...copies.map((name) => ({ ...change, name }))];
      }
      return [
        ...this.#givenUp(change.name),
        change,
        ...copies.map((name) => ({ ...change, name, entry: copyOf(change.entry, name) })),
      ];
    });
  }

  /** A copy gives its name up to a manifest. Its client gets another copy with the next call. */
  #givenUp(name: string): readonly ManifestChange[] {
    const previous = this.#host.entryOf(name);
    if (previous?.copyOf === undefined) return [];
    const place = this.#placeOf(name);
    if (place !== undefined) this.#owners.get(place.base)?.delete(place.owner);
    return [{ type: 'removed', name, previous }];
  }

  #copiesOf(base: string): readonly string[] {
    return [...(this.#owners.get(base)?.values() ?? [])].filter((name) => name !== base);
  }

  #freeName(base: string, taken: ReadonlySet<string>): string {
    if (!taken.has(base)) return base;
    for (let number = 2; ; number += 1) {
      const name = `${base}@${number}`;
      // One that still ends is there too.
      if (!taken.has(name) && this.#host.entryOf(name) === undefined) return name;
    }
  }

  #add(base: string, name: string): void {
    const entry = this.#host.entryOf(base);
    if (entry !== undefined) this.#host.apply([{ type: 'added', name, entry: copyOf(entry, name) }]);
  }

  #end(base: string, owner: ProcessOwner): void {
    const owners = this.#owners.get(base);
    const name = owners?.get(owner);
    if (owners === undefined || name === undefined) return;
    owners.delete(owner);
    if (owners.size === 0) this.#owners.delete(base);
    // The next client is to find nothing of this one.
    if (name === base) {
      this.#left.add(base);
      this.#host.unload(base);
    } else {
      const previous = this.#host.entryOf(name);
      if (previous !== undefined) this.#host.apply([{ type: 'removed', name, previous }]);
    }
  }
}

function copyOf(entry: ManifestEntry, name: string): ManifestEntry {
  const { manifest } = entry;
  const resources = { idle_release_ms: IDLE_MS, ...manifest.resources };
  return { ...entry, manifest: { ...manifest, name, resources }, copyOf: manifest.name };
}
