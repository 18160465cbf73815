import type { FrontPlugin, McpRequestOptions } from '../mcp/front-plugin.ts';
import type { JsonObject } from '../mcp/json-rpc.ts';
import type { FrontService, Installing, ServiceDescription } from './front-service.ts';
import { joinedInstructions } from './joined-instructions.ts';
import { joinedBeginning, joinedNames, SEPARATOR, type ToolPlace } from './joined-names.ts';
import { callOf } from './plugin-service.ts';
import type { PluginTools, ToolDirectory } from './tool-directory.ts';
import { mayPass, type ToolFilter } from './tool-filter.ts';
import { unknownToolFailure } from './unknown-tool.ts';

const INTRODUCTION =
  'The tools of several plugins. The name of each begins with its plugin, as in "plugin__tool". A plugin that is not ' +
  'running is started by the first call, which may take a while.';

interface CalledTool {
  readonly plugin: FrontPlugin;
  readonly tool: string;
}

interface Joined {
  readonly of: readonly PluginTools[];
  readonly tools: readonly JsonObject[];
  readonly places: ReadonlyMap<string, ToolPlace>;
}

/** All plugins, whose tools are named for both. */
export class JoinedService implements FrontService {
  readonly #directory: ToolDirectory;
  readonly #version: string;
  #joined: Joined | undefined;

  /** @param version of Greenroom */
  constructor(directory: ToolDirectory, version: string) {
    this.#directory = directory;
    this.#version = version;
  }

  async describe(_signal: AbortSignal, filter?: ToolFilter): Promise<ServiceDescription> {
    const instructions = this.#directory.instructions().filter(isSeenBy(filter));
    return {
      serverInfo: { name: 'greenroom', version: this.#version },
      capabilities: { tools: { listChanged: true } },
      instructions: joinedInstructions(INTRODUCTION, instructions),
    };
  }

  readonly installing = (filter?: ToolFilter): readonly Installing[] =>
    this.#directory.installing().filter(isSeenBy(filter));

  async listTools(): Promise<readonly JsonObject[]> {
    return (await this.#list()).tools;
  }

  async callTool(params: JsonObject, options: McpRequestOptions): Promise<JsonObject> {
    const asked = String(params['name']);
    // What is known already needs no list, which waits for plugins that have to start.
    let called = this.#placeOf(asked);
    if (called === undefined) {
      await this.#list();
      called = this.#placeOf(asked) ?? this.#placeLeftOut(asked);
    }
    if (called === undefined) throw unknownToolFailure(asked, this.#joined?.places.keys() ?? []);
    return callOf(this.#directory, called.plugin, { ...params, name: called.tool }, options);
  }

  onToolsChanged(listener: () => void): () => void {
    return this.#directory.onChange(listener);
  }

  #placeOf(name: string): CalledTool | undefined {
    const place = this.#joined?.places.get(name);
    const plugin = place && this.#directory.find(place.plugin);
    return plugin && { plugin, tool: place.tool };
  }

  /** A tool of a plugin that was left out of the list: its call starts the plugin, or says why that fails. */
  #placeLeftOut(name: string): CalledTool | undefined {
    const at = name.indexOf(SEPARATOR);
    const plugin = at === -1 ? undefined : this.#directory.find(name.slice(0, at));
    if (plugin === undefined || this.#joined?.of.some((each) => each.plugin === plugin) === true) return undefined;
    return { plugin, tool: name.slice(at + SEPARATOR.length) };
  }

  async #list(): Promise<Joined> {
    const of = await this.#directory.all();
    if (this.#joined === undefined || !isSame(this.#joined.of, of)) this.#joined = joined(of);
    return this.#joined;
  }
}

/** Whether a client may see tools of a plugin. */
function isSeenBy(filter: ToolFilter | undefined): (of: { readonly plugin: string }) => boolean {
  return ({ plugin }) => filter === undefined || mayPass(filter, joinedBeginning(plugin));
}

function isSame(before: readonly PluginTools[], now: readonly PluginTools[]): boolean {
  return (
    before.length === now.length &&
    now.every(({ plugin, tools }, at) => before[at]?.plugin === plugin && before[at].tools === tools)
  );
}

function joined(of: readonly PluginTools[]): Joined {
  const all = of.flatMap(({ plugin, tools }) =>
    // A server may list two tools of one name, of which only one can be called.
    [...new Map(tools.map((tool) => [String(tool['name']), tool]))].map(([name, tool]) => ({
      place: { plugin: plugin.name, tool: name },
      tool,
    })),
  );
  const places = joinedNames(all.map(({ place }) => place));
  const names = new Map([...places].map(([name, place]) => [place, name]));
  return { of, places, tools: all.map(({ place, tool }) => ({ ...tool, name: names.get(place) })) };
}
