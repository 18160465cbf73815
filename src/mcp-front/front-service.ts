import type { ClientSession, FrontPlugin, McpRequestOptions, ServerDescription } from '../mcp/front-plugin.ts';
import type { JsonObject } from '../mcp/json-rpc.ts';
import type { NoticeListener } from './server-notices.ts';
import type { ServiceTasks } from './tasks/service-tasks.ts';
import type { ToolFilter } from './tool-filter.ts';

/** What a client of the front finds at its address: the tools of one plugin, or of all of them. */
export interface FrontService {
  /**
   * What it says of itself. `serverInfo` is always there. Rejects with a GreenroomError.
   *
   * @param filter of what the client sees, so that it need not read of what is hidden from it
   */
  describe(signal: AbortSignal, filter?: ToolFilter): Promise<ServiceDescription>;
  /** The tools as `tools/list` gives them to this client, all of them. Rejects with a GreenroomError. */
  listTools(signal: AbortSignal, session: ClientSession | undefined): Promise<readonly JsonObject[]>;
  /**
   * Calls a tool by the name that `listTools` gives it; resolves to the result of `tools/call`, failures included
   * (`isError`). Rejects with an `RpcFailure` for an unknown tool, and where the server answered with an error.
   */
  callTool(params: JsonObject, options: McpRequestOptions): Promise<JsonObject>;
  /** What is not listed yet, as it is being installed: clients are told when its tools have come. */
  readonly installing?: ((filter?: ToolFilter) => readonly Installing[]) | undefined;
  /** The tasks that calls of its tools can be. Without it, none can. */
  readonly tasks?: ServiceTasks | undefined;
  /** Any other request. Without it, there are tools alone. */
  readonly request?:
    | ((method: string, params: JsonObject, options: McpRequestOptions) => Promise<JsonObject>)
    | undefined;
  /** Watches a resource, as a plugin does. Without it, none is watched. */
  readonly watch?: FrontPlugin['watch'] | undefined;
  /** Tells what the server behind it tells unasked; returns how to stop. Without it, nothing is told. */
  readonly onNotice?: ((listener: NoticeListener) => () => void) | undefined;
  /** Calls back when the list of tools may be another one. Returns how to stop. */
  onToolsChanged(listener: () => void): () => void;
}

/** A plugin whose package is being installed. */
export interface Installing {
  readonly plugin: string;
  /** As its command names it, with its version where there is one. */
  readonly package: string;
}

/** As a server of MCP says it when it begins. */
export interface ServiceDescription extends ServerDescription {
  readonly serverInfo: JsonObject;
}
