import { writeJson } from '../json/exact-json.ts';
import type { McpRequestOptions } from '../mcp/front-plugin.ts';
import { isObject, type JsonObject } from '../mcp/json-rpc.ts';
import { errorText } from './call-failure.ts';
import type { FrontService, ServiceDescription } from './front-service.ts';
import { ServiceTasks } from './tasks/service-tasks.ts';
import { searchTools } from './tool-search.ts';
import { unknownToolFailure, unknownToolText } from './unknown-tool.ts';

/** How many tools a search shows, unless it is told. */
const SHOWN = 20;

const NAME = { type: 'string', description: 'The name of a tool, as search_tools gives it' };
const READ_ONLY = { readOnlyHint: true, idempotentHint: true, openWorldHint: false };

const TOOLS = [
  {
    name: 'search_tools',
    description:
      'Finds tools by words of their names and descriptions, the best first. Without words it lists all of them.',
    inputSchema: {
      type: 'object',
      properties: {
        query: { type: 'string', description: 'Words to look for' },
        limit: { type: 'integer', minimum: 1, default: SHOWN, description: 'How many tools to show' },
      },
    },
    annotations: READ_ONLY,
  },
  {
    name: 'describe_tool',
    description: 'Shows what a tool does, and the schema of its arguments. Read it before the first call of a tool.',
    inputSchema: { type: 'object', properties: { name: NAME }, required: ['name'] },
    annotations: READ_ONLY,
  },
  {
    name: 'call_tool',
    description: 'Calls a tool by its name with the arguments that describe_tool shows.',
    inputSchema: {
      type: 'object',
      properties: { name: NAME, arguments: { type: 'object', description: 'The arguments of the tool' } },
      required: ['name'],
    },
  },
];

const INSTRUCTIONS =
  'Tools are found by search_tools, described by describe_tool and called by call_tool, as their whole list would be long.';

/** Three tools in place of a long list, to find the tools of the list, look at one, and call it. */
export class CompactService implements FrontService {
  readonly #whole: FrontService;

  constructor(whole: FrontService) {
    this.#whole = whole;
  }

  get installing(): FrontService['installing'] {
    return this.#whole.installing;
  }

  get tasks(): FrontService['tasks'] {
    const { tasks } = this.#whole;
    if (tasks === undefined) return undefined;
    const { places } = tasks;
    return new ServiceTasks(tasks.front, {
      plugin: places.plugin,
      find: async (params, options) => {
        const call = params['name'] === 'call_tool' ? calledBy(params) : undefined;
        const tools = await this.#whole.listTools(options.signal, options.session);
        if (call === undefined || !tools.some(({ name }) => name === call['name'])) return undefined;
        return places.find(call, { ...options, checkTool: undefined });
      },
      nameOf: (plugin, tool) => places.nameOf(plugin, tool),
    });
  }

  get request(): FrontService['request'] {
    return this.#whole.request;
  }

  get watch(): FrontService['watch'] {
    return this.#whole.watch;
  }

  get onNotice(): FrontService['onNotice'] {
    return this.#whole.onNotice;
  }

  async describe(signal: AbortSignal): Promise<ServiceDescription> {
    const { instructions, ...described } = await this.#whole.describe(signal);
    return {
      ...described,
      instructions: instructions === undefined ? INSTRUCTIONS : `${INSTRUCTIONS}\n\n${instructions}`,
    };
  }

  async listTools(): Promise<readonly JsonObject[]> {
    if (this.#whole.tasks === undefined) return TOOLS;
    return TOOLS.map((tool) =>
      tool.name === 'call_tool' ? { ...tool, execution: { taskSupport: 'optional' } } : tool,
    );
  }

  async callTool(params: JsonObject, options: McpRequestOptions): Promise<JsonObject> {
    const given = isObject(params['arguments']) ? params['arguments'] : {};
    switch (params['name']) {
      case 'search_tools':
        return this.#search(given, options);
      case 'describe_tool':
        return this.#describeTool(given, options);
      case 'call_tool':
        return this.#call(params, given, options);
      default:
        throw unknownToolFailure(
          params['name'],
          TOOLS.map(({ name }) => name),
        );
    }
  }

  /** Its own list stays as it is. */
  onToolsChanged(): () => void {
    return () => {};
  }

  async #search({ query, limit }: JsonObject, { signal, session }: McpRequestOptions): Promise<JsonObject> {
    const found = searchTools(await this.#whole.listTools(signal, session), typeof query === 'string' ? query : '');
    const tools = found.slice(0, typeof limit === 'number' && limit >= 1 ? limit : SHOWN);
    const installing = this.installing?.() ?? [];
    return told({ tools, total: found.length, ...(installing.length > 0 && { installing }) });
  }

  async #describeTool({ name }: JsonObject, { signal, session }: McpRequestOptions): Promise<JsonObject> {
    const tools = await this.#whole.listTools(signal, session);
    const tool = tools.find((each) => each['name'] === name);
    return tool === undefined ? unknown(name, tools) : told(tool);
  }

  async #call(params: JsonObject, given: JsonObject, options: McpRequestOptions): Promise<JsonObject> {
    const { name, arguments: input = {} } = given;
    const tools = await this.#whole.listTools(options.signal, options.session);
    // The model has made the name up, so the model is told.
    if (!tools.some((each) => each['name'] === name)) return unknown(name, tools);
    if (!isObject(input)) return errorText('"arguments" must be an object.');
    // The headers of the request are about the arguments of call_tool.
    return this.#whole.callTool({ ...params, name, arguments: input }, { ...options, checkTool: undefined });
  }
}

/** The parameters of the call that a call of `call_tool` is; undefined where its arguments are not those of one. */
function calledBy(params: JsonObject): JsonObject | undefined {
  const given = isObject(params['arguments']) ? params['arguments'] : {};
  const { name, arguments: input = {} } = given;
  return typeof name === 'string' && isObject(input) ? { ...params, name, arguments: input } : undefined;
}

function unknown(name: unknown, tools: readonly JsonObject[]): JsonObject {
  const names = tools.map((tool) => String(tool['name']));
  return errorText(unknownToolText(name ?? 'no name was given', names, 'search_tools finds those that there are.'));
}

function told(value: JsonObject): JsonObject {
  return { content: [{ type: 'text', text: writeJson(value, 'result') ?? 'null' }], structuredContent: value };
}
