import type { ClientSession, FrontPlugin, McpRequestOptions, ServerDescription } from '../mcp/front-plugin.ts';
import type { JsonObject } from '../mcp/json-rpc.ts';
import { failedResult } from './call-failure.ts';
import type { FrontService, ServiceDescription } from './front-service.ts';
import { callWhileInstalled } from './install-patience.ts';
import type { ServerNotices } from './server-notices.ts';
import type { FrontTasks } from './tasks/front-tasks.ts';
import { ServiceTasks } from './tasks/service-tasks.ts';
import type { PlacedCall } from './tasks/task-places.ts';
import type { ToolDirectory } from './tool-directory.ts';
import { unknownToolFailure } from './unknown-tool.ts';

/** What of a server's capabilities needs no way back from it to one client. */
const PASSED_ON = ['resources', 'prompts', 'completions', 'logging', 'extensions', 'experimental'];

/** One plugin, whose tools have their own names. */
export class PluginService implements FrontService {
  readonly #directory: ToolDirectory;
  readonly #first: FrontPlugin;
  readonly #tasks: FrontTasks | undefined;
  readonly onNotice: NonNullable<FrontService['onNotice']>;

  constructor(directory: ToolDirectory, plugin: FrontPlugin, notices: ServerNotices, tasks: FrontTasks | undefined) {
    this.#directory = directory;
    this.#first = plugin;
    this.#tasks = tasks;
    this.onNotice = (listener) => notices.add(plugin.name, listener);
  }

  get request(): FrontService['request'] {
    const plugin = this.#plugin;
    return plugin.request?.bind(plugin);
  }

  get tasks(): FrontService['tasks'] {
    const { name, jobOf } = this.#plugin;
    if (this.#tasks === undefined || jobOf === undefined) return undefined;
    return new ServiceTasks(this.#tasks, {
      plugin: name,
      find: (params, options) => placedCall(this.#directory, this.#plugin, params, options),
      nameOf: (plugin, tool) => (plugin === name ? tool : undefined),
    });
  }

  get watch(): FrontService['watch'] {
    const plugin = this.#plugin;
    return plugin.watch?.bind(plugin);
  }

  /** As it is now: a client may stay for longer than a manifest. Of one that has gone, calls say so. */
  get #plugin(): FrontPlugin {
    return this.#directory.find(this.#first.name) ?? this.#first;
  }

  async describe(signal: AbortSignal): Promise<ServiceDescription> {
    const { name } = this.#plugin;
    const manifest = this.#directory.manifestOf(name);
    const own = { name, version: manifest?.version || '0.0.0' };
    const described: ServerDescription = (await this.#plugin.describe?.(signal)) ?? {
      capabilities: {},
      ...(manifest?.description !== undefined && { instructions: manifest.description }),
    };
    const { serverInfo = own, capabilities, instructions } = described;
    return {
      serverInfo,
      capabilities: { ...passedOn(capabilities), tools: { listChanged: true } },
      ...(instructions !== undefined && instructions !== '' && { instructions }),
    };
  }

  async listTools(_signal: AbortSignal, session: ClientSession | undefined): Promise<readonly JsonObject[]> {
    const plugin = this.#plugin;
    return plugin.ownTools?.(session) ?? this.#directory.toolsOf(plugin.name);
  }

  async callTool(params: JsonObject, options: McpRequestOptions): Promise<JsonObject> {
    return callOf(this.#directory, this.#plugin, params, options);
  }

  onToolsChanged(listener: () => void): () => void {
    return this.#directory.onChange(listener);
  }
}

/**
 * Calls a tool of a plugin by its own name. Rejects with −32602 where the plugin has no such tool, and with what a server
 * answered as an error; all else that fails is a result.
 */
export async function callOf(
  directory: ToolDirectory,
  plugin: FrontPlugin,
  params: JsonObject,
  options: McpRequestOptions,
): Promise<JsonObject> {
  try {
    // Of a plugin that has gone, or is disabled, the call itself says so.
    const isThere = directory.find(plugin.name) !== undefined;
    return await callWhileInstalled(plugin, options.signal, async (signal) => {
      if (isThere) options.checkTool?.(await toolOf(directory, plugin.name, params['name']));
      signal.throwIfAborted();
      return plugin.callTool(params, { ...options, signal });
    });
  } catch (error) {
    return failedResult(error);
  }
}

/**
 * A call of a tool of a plugin as it is placed; undefined where the plugin has gone, or is disabled, which the call itself
 * says. Rejects with −32602 where the plugin has no such tool, and with a GreenroomError.
 */
export async function placedCall(
  directory: ToolDirectory,
  plugin: FrontPlugin,
  params: JsonObject,
  options: McpRequestOptions,
): Promise<PlacedCall | undefined> {
  if (directory.find(plugin.name) === undefined) return undefined;
  const tool = await toolOf(directory, plugin.name, params['name']);
  options.checkTool?.(tool);
  return { plugin, params };
}

async function toolOf(directory: ToolDirectory, plugin: string, tool: unknown): Promise<JsonObject> {
  const tools = await directory.toolsOf(plugin);
  const found = tools.find(({ name }) => name === tool);
  if (found !== undefined) return found;
  throw unknownToolFailure(
    tool,
    tools.map(({ name }) => String(name)),
  );
}

function passedOn(capabilities: JsonObject): JsonObject {
  const names = PASSED_ON.filter((name) => capabilities[name] !== undefined);
  return Object.fromEntries(names.map((name) => [name, capabilities[name]]));
}
