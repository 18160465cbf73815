import type { ClientSession, McpRequestOptions } from '../mcp/front-plugin.ts';
import type { JsonObject } from '../mcp/json-rpc.ts';
import type { FrontService, ServiceDescription } from './front-service.ts';
import { ServiceTasks } from './tasks/service-tasks.ts';
import { passes, type ToolFilter } from './tool-filter.ts';
import { unknownToolFailure } from './unknown-tool.ts';

/** A service of which a client sees some tools; the others are not there for it. */
export class FilteredService implements FrontService {
  readonly #whole: FrontService;
  readonly #filter: ToolFilter;

  constructor(whole: FrontService, filter: ToolFilter) {
    this.#whole = whole;
    this.#filter = filter;
  }

  get request(): FrontService['request'] {
    return this.#whole.request;
  }

  get tasks(): FrontService['tasks'] {
    const { tasks } = this.#whole;
    if (tasks === undefined) return undefined;
    const { places } = tasks;
    return new ServiceTasks(tasks.front, {
      plugin: places.plugin,
      find: async (params, options) => {
        await this.#check(params, options);
        return places.find(params, options);
      },
      nameOf: (plugin, tool) => {
        const name = places.nameOf(plugin, tool);
        return name !== undefined && passes(this.#filter, name) ? name : undefined;
      },
    });
  }

  get installing(): FrontService['installing'] {
    const { installing } = this.#whole;
    return installing && (() => installing(this.#filter));
  }

  get watch(): FrontService['watch'] {
    return this.#whole.watch;
  }

  get onNotice(): FrontService['onNotice'] {
    return this.#whole.onNotice;
  }

  describe(signal: AbortSignal): Promise<ServiceDescription> {
    return this.#whole.describe(signal, this.#filter);
  }

  async listTools(signal: AbortSignal, session: ClientSession | undefined): Promise<readonly JsonObject[]> {
    return (await this.#whole.listTools(signal, session)).filter(({ name }) => passes(this.#filter, String(name)));
  }

  async callTool(params: JsonObject, options: McpRequestOptions): Promise<JsonObject> {
    await this.#check(params, options);
    return this.#whole.callTool(params, options);
  }

  async #check(params: JsonObject, options: McpRequestOptions): Promise<void> {
    if (passes(this.#filter, String(params['name']))) return;
    const tools = await this.listTools(options.signal, options.session);
    throw unknownToolFailure(
      params['name'],
      tools.map(({ name }) => String(name)),
    );
  }

  onToolsChanged(listener: () => void): () => void {
    return this.#whole.onToolsChanged(listener);
  }
}
