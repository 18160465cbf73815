import type { FrontPlugin, McpRequestOptions } from '../mcp/front-plugin.ts';
import type { JsonObject } from '../mcp/json-rpc.ts';
import { withoutTasks } from '../mcp/tool-definition.ts';
import type { FrontService, Installing, ServiceDescription } from './front-service.ts';
import { joinedInstructions } from './joined-instructions.ts';
import { joinedBeginning, joinedNames, SEPARATOR, type ToolPlace } from './joined-names.ts';
import { callOf, placedCall } from './plugin-service.ts';
import type { FrontTasks } from './tasks/front-tasks.ts';
import { ServiceTasks } from './tasks/service-tasks.ts';
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
  readonly tasks: FrontService['tasks'];
  #joined: Joined | undefined;

  /** @param version of Greenroom */
  constructor(directory: ToolDirectory, version: string, tasks: FrontTasks | undefined) {
    this.#directory = directory;
    this.#version = version;
    this.tasks =
      tasks &&
      new ServiceTasks(tasks, {
        find: async (params, options) => {
          const { plugin, tool } = await this.#find(params['name']);
          return placedCall(directory, plugin, { ...params, name: tool }, options);
        },
        nameOf: (plugin, tool) => this.#nameOf({ plugin, tool }),
      });
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
    const { plugin, tool } = await this.#find(params['name']);
    return callOf(this.#directory, plugin, { ...params, name: tool }, options);
  }

  onToolsChanged(listener: () => void): () => void {
    return this.#directory.onChange(listener);
  }

  /** Rejects with −32602 where there is no such tool. */
  async #find(name: unknown): Promise<CalledTool> {
    const asked = String(name);
    // What is known already needs no list, which waits for plugins that have to start.
    let called = this.#placeOf(asked);
    if (called === undefined) {
      await this.#list();
      called = this.#placeOf(asked) ?? this.#placeLeftOut(asked);
    }
    if (called === undefined) throw unknownToolFailure(asked, this.#joined?.places.keys() ?? []);
    return called;
  }

  /** The name of a tool, which may be one of a plugin that is not listed. */
  #nameOf({ plugin, tool }: ToolPlace): string | undefined {
    for (const [name, place] of this.#joined?.places ?? [])
      if (place.plugin === plugin && place.tool === tool) return name;
    const [name] = joinedNames([{ plugin, tool }]).keys();
    return name;
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
    if (this.#joined === undefined || !isSame(this.#joined.of, of)) this.#joined = joined(of, this.tasks !== undefined);
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

function joined(of: readonly PluginTools[], hasTasks: boolean): Joined {
  const all = of.flatMap(({ plugin, tools }) =>
    // A server may list two tools of one name, of which only one can be called.
    [...new Map(tools.map((tool) => [String(tool['name']), tool]))].map(([name, tool]) => ({
      place: { plugin: plugin.name, tool: name },
      // The tasks of a server are at its own address alone.
      tool: hasTasks && plugin.jobOf === undefined ? withoutTasks(tool) : tool,
    })),
  );
  const places = joinedNames(all.map(({ place }) => place));
  const names = new Map([...places].map(([name, place]) => [place, name]));
  return { of, places, tools: all.map(({ place, tool }) => ({ ...tool, name: names.get(place) })) };
}
