import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import { Listeners } from '../events/listeners.ts';
import { printedJson } from '../json/printed-json.ts';
import type { Manifest } from '../manifest/schema.ts';
import type { FrontPlugin } from '../mcp/front-plugin.ts';
import type { JsonObject } from '../mcp/json-rpc.ts';
import { AtOnce } from './at-once.ts';
import type { Installing } from './front-service.ts';
import type { PluginInstructions } from './joined-instructions.ts';

/** How long a list of all tools waits for plugins that have to start to say theirs, in milliseconds. */
const PATIENCE_MS = 10_000;
/** How long a plugin that failed to list its tools is not asked again, unless it changes. In milliseconds. */
const FAILED_MS = 5_000;
/** Changes that come together are looked at once, after this time in milliseconds. */
const SETTLE_MS = 50;
/** How many plugins may be starting at once because their tools are asked for. */
const MAX_STARTS = 4;

/** What the directory reads of a supervisor. */
export interface PluginSource {
  callable(): Iterable<{ readonly manifest: Manifest; readonly generation: number | undefined }>;
  onChange(listener: () => void): () => void;
}

/** How a directory is kept. */
export interface DirectoryOptions {
  /** A plugin as a server of MCP; undefined for one without tools. */
  pluginOf(manifest: Manifest): FrontPlugin | undefined;
  /** The tools of a plugin are left out of lists. Told once for each reason. */
  onLeftOut(plugin: string, error: unknown): void;
  onError(error: unknown): void;
  readonly patienceMs?: number | undefined;
}

/** A plugin with its tools. */
export interface PluginTools {
  readonly plugin: FrontPlugin;
  readonly tools: readonly JsonObject[];
}

interface Entry {
  readonly manifest: Manifest;
  readonly plugin: FrontPlugin;
  generation: number | undefined;
  /** Once it was looked for; its worker may say another one. */
  instructions?: { readonly text: string } | undefined;
  /** As they were listed last. */
  tools?: readonly JsonObject[];
  text?: string;
  listing?: Promise<readonly JsonObject[]> | undefined;
  failedAt?: number | undefined;
  failure?: string | undefined;
  /** It took longer than lists wait, and has not listed since: no list waits for it again. */
  isSlow?: boolean;
  /** Clients are told when it is listed: they have a list without its tools, or its server says that they are others. */
  mustTell?: boolean;
}

/** The tools of all plugins that take calls: listed once, and again where they may have changed. */
export class ToolDirectory {
  readonly #source: PluginSource;
  readonly #options: DirectoryOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #changed: Listeners<void>;
  readonly #starts = new AtOnce(MAX_STARTS);
  readonly #stop: () => void;
  #isStale = false;
  #timer: NodeJS.Timeout | undefined;
  #telling: NodeJS.Timeout | undefined;

  constructor(source: PluginSource, options: DirectoryOptions) {
    this.#source = source;
    this.#options = options;
    this.#changed = new Listeners(options.onError);
    this.#stop = source.onChange(() => {
      this.#isStale = true;
      this.#timer ??= setTimeout(() => this.#look(), SETTLE_MS).unref();
    });
    this.#reconcile();
  }

  /** A plugin that takes calls and has tools; undefined where there is none of this name. */
  find(name: string): FrontPlugin | undefined {
    this.#refresh();
    return this.#entries.get(name)?.plugin;
  }

  /** The manifest of such a plugin. */
  manifestOf(name: string): Manifest | undefined {
    return this.#entries.get(name)?.manifest;
  }

  /** The tools of one plugin; none where there is no such plugin any more. Rejects with a GreenroomError. */
  async toolsOf(name: string): Promise<readonly JsonObject[]> {
    this.#refresh();
    const entry = this.#entries.get(name);
    return entry === undefined ? [] : this.#list(entry);
  }

  /**
   * The plugins with their tools, by name. Those that fail to list them are left out, and so are those that take too long,
   * for which the next list does not wait; once their tools come, listeners are told.
   */
  async all(): Promise<readonly PluginTools[]> {
    this.#refresh();
    const entries = this.#sorted();
    const waited = new AbortController();
    const asked = entries.filter(({ failedAt = -Infinity }) => performance.now() - failedAt > FAILED_MS);
    const awaited = new Set(asked.filter(({ isSlow }) => isSlow !== true));
    const listings = asked.map(async (entry) => {
      await this.#list(entry).catch(() => {});
      awaited.delete(entry);
    });
    const needed = listings.filter((_, at) => asked[at]?.isSlow !== true);
    const tooLong = delay(this.#patienceMs, undefined, { signal: waited.signal, ref: false }).catch(() => {});
    await Promise.race([Promise.all(needed), tooLong]);
    waited.abort();
    for (const entry of awaited) this.#noteSlow(entry);
    return entries.flatMap((entry) => {
      const { plugin, tools } = entry;
      if (tools === undefined && entry.failedAt === undefined) entry.mustTell = true;
      return tools === undefined ? [] : [{ plugin, tools }];
    });
  }

  /** What the plugins say of how they are used, by name, as far as that is known. Starts nothing, and waits for nothing. */
  instructions(): readonly PluginInstructions[] {
    this.#refresh();
    return this.#sorted().map((entry) => {
      entry.instructions ??= { text: entry.plugin.instructions?.() ?? '' };
      return { plugin: entry.plugin.name, text: entry.instructions.text };
    });
  }

  /** The plugins whose tools are not known as their packages are being installed, by name. */
  installing(): readonly Installing[] {
    return this.#sorted().flatMap(({ plugin, tools }) => {
      const spec = tools === undefined ? plugin.installing?.()?.spec : undefined;
      return spec === undefined ? [] : [{ plugin: plugin.name, package: spec }];
    });
  }

  /** Calls back when a list may be another one than before. Returns how to stop. */
  onChange(listener: () => void): () => void {
    return this.#changed.add(listener);
  }

  /** A server says that its tools have changed: clients are told even where the list looks the same. */
  noteChanged(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    entry.mustTell = this.#changed.any;
    this.#listAgain(entry);
  }

  close(): void {
    this.#stop();
    clearTimeout(this.#timer);
    clearTimeout(this.#telling);
  }

  #sorted(): Entry[] {
    return [...this.#entries.values()].toSorted((a, b) => (a.plugin.name < b.plugin.name ? -1 : 1));
  }

  #look(): void {
    this.#timer = undefined;
    try {
      this.#refresh();
    } catch (error) {
      // Nobody waits for it.
      this.#options.onError(error);
    }
  }

  #refresh(): void {
    if (!this.#isStale) return;
    this.#isStale = false;
    if (this.#reconcile()) this.#tell();
  }

  /** Takes the plugins as they are now. Whether lists are others for it. */
  #reconcile(): boolean {
    const gone = new Set(this.#entries.keys());
    let isOther = false;
    for (const { manifest, generation } of this.#source.callable()) {
      gone.delete(manifest.name);
      const entry = this.#entries.get(manifest.name);
      if (entry?.manifest === manifest) this.#noteGeneration(entry, generation);
      else isOther = this.#put(manifest, generation) || isOther;
    }
    for (const name of gone) {
      this.#entries.delete(name);
      isOther = true;
    }
    return isOther;
  }

  /** Whether lists are others for it. */
  #put(manifest: Manifest, generation: number | undefined): boolean {
    const plugin = this.#options.pluginOf(manifest);
    if (plugin !== undefined) this.#entries.set(manifest.name, { manifest, plugin, generation });
    return plugin !== undefined || this.#entries.delete(manifest.name);
  }

  /** A new worker may have other tools; one that has gone has those that it had. */
  #noteGeneration(entry: Entry, generation: number | undefined): void {
    if (generation === undefined || generation === entry.generation) return;
    entry.generation = generation;
    entry.failedAt = undefined;
    if (entry.tools !== undefined) this.#listAgain(entry);
  }

  #listAgain(entry: Entry): void {
    entry.listing = undefined;
    // Where nobody is to be told, the next list asks.
    if (this.#changed.any) this.#list(entry).catch(() => {});
  }

  #list(entry: Entry): Promise<readonly JsonObject[]> {
    entry.listing ??= this.#listing(entry);
    return entry.listing;
  }

  async #listing(entry: Entry): Promise<readonly JsonObject[]> {
    try {
      const tools = await this.#ask(entry.plugin);
      const text = printedJson(tools);
      const isOther = entry.text !== undefined && entry.text !== text;
      if (entry.tools === undefined || isOther) entry.tools = tools;
      entry.text = text;
      entry.instructions = undefined;
      entry.failedAt = undefined;
      entry.failure = undefined;
      entry.isSlow = false;
      if (isOther || entry.mustTell === true) this.#tell();
      entry.mustTell = false;
      return entry.tools;
    } catch (error) {
      entry.listing = undefined;
      entry.failedAt = performance.now();
      // Clients ask again and again, and a log is to have it once.
      const failure = messageOf(error);
      if (entry.failure !== failure) this.#options.onLeftOut(entry.plugin.name, error);
      entry.failure = failure;
      throw error;
    }
  }

  /** Asks a plugin for its tools. One that takes longer than lists wait does not keep others from being asked. */
  async #ask(plugin: FrontPlugin): Promise<readonly JsonObject[]> {
    const asked = await this.#starts.run(async () => {
      const tools = plugin.listTools(new AbortController().signal);
      const over = new AbortController();
      const tooLong = delay(this.#patienceMs, undefined, { signal: over.signal, ref: false });
      await Promise.race([tools, tooLong]).catch(() => {});
      over.abort();
      tooLong.catch(() => {});
      return { tools };
    });
    return asked.tools;
  }

  get #patienceMs(): number {
    return this.#options.patienceMs ?? PATIENCE_MS;
  }

  #noteSlow(entry: Entry): void {
    entry.isSlow = true;
    if (entry.tools === undefined)
      this.#options.onLeftOut(entry.plugin.name, new Error(`they have not come within ${this.#patienceMs / 1_000} s.`));
  }

  #tell(): void {
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined;
      this.#changed.notify();
    }, SETTLE_MS).unref();
  }
}
