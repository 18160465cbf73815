import { passToolCall } from '../calls/execute.ts';
import { passRequest } from '../calls/pass-request.ts';
import { GreenroomError } from '../errors.ts';
import { failureIn } from '../mcp/call-result.ts';
import type { ClientSession, FrontPlugin, McpRequestOptions } from '../mcp/front-plugin.ts';
import type { JsonObject } from '../mcp/json-rpc.ts';
import { isShared } from '../mcp/sharing.ts';
import { shownDefinition } from '../mcp/tool-definition.ts';
import { SUBSCRIBE } from '../mcp/watched-resources.ts';
import { installingFor } from './installing.ts';
import type { PluginRecord } from './plugin-record.ts';

/**
 * A plugin that is a server of MCP, as a front of ours offers it: what passes is not changed.
 *
 * @param recordOf the plugin that a client is to have, where clients do not share its process
 * @param copyOf the copy of it that a client has; undefined where it has none
 * @param refuse throws where the plugin takes no calls, and so must not be started
 */
export function mcpPlugin(
  record: PluginRecord,
  recordOf: (session: ClientSession | undefined) => PluginRecord,
  copyOf: (session: ClientSession | undefined) => PluginRecord | undefined,
  refuse: () => void,
): FrontPlugin {
  const target = async (session: ClientSession | undefined): Promise<PluginRecord> => {
    refuse();
    const { share } = record.entry.manifest;
    const tools = await record.tools.list(refuse);
    const server = await record.tools.server(refuse);
    return isShared(share, server?.era, tools) ? record : recordOf(session);
  };
  const definitionsOf = async ({ tools }: PluginRecord): Promise<readonly JsonObject[]> => {
    const all = await tools.list(refuse);
    const isModern = (await tools.server(refuse))?.era === 'modern';
    const definitions = all.map(({ definition }) => definition).filter((definition) => definition !== undefined);
    return isModern ? definitions : definitions.map(shownDefinition);
  };
  return {
    name: record.plugin,
    listTools: () => definitionsOf(record),
    ownTools(session) {
      const copy = copyOf(session);
      return copy && definitionsOf(copy);
    },
    async describe() {
      return (await record.tools.server(refuse)) ?? { capabilities: { tools: {} } };
    },
    instructions: () => record.tools.knownServer?.instructions,
    installing: () => installingFor(record),
    async callTool(params, { signal, onProgress, client, session }) {
      const report = onProgress && (({ params: said }: { params?: JsonObject | undefined }) => onProgress(said ?? {}));
      try {
        return await passToolCall(await target(session), params, { signal, client, session, onProgress: report });
      } catch (error) {
        throw (error instanceof GreenroomError ? failureIn(error) : undefined) ?? error;
      }
    },
    async request(method: string, params: JsonObject, options: McpRequestOptions) {
      return passRequest(await target(options.session), method, params, options);
    },
    async watch(params, listener, options) {
      const watching = await target(options.session);
      const ask = (): Promise<JsonObject> => passRequest(watching, SUBSCRIBE, params, options);
      return watching.tools.watched.watch(String(params['uri']), listener, ask);
    },
  };
}
