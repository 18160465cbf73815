import type { FrontPlugin, McpRequestOptions } from '../../mcp/front-plugin.ts';
import type { JsonObject } from '../../mcp/json-rpc.ts';

/** A call of a tool of one plugin. */
export interface PlacedCall {
  readonly plugin: FrontPlugin;
  /** Those of the `tools/call`, with the tool's own name. */
  readonly params: JsonObject;
}

/** How the tools that a client sees are those of plugins. */
export interface TaskPlaces {
  /** The only plugin whose tools the client may see; undefined: those of any. */
  readonly plugin?: string | undefined;
  /**
   * The call of a plugin's tool that a `tools/call` is; undefined where it is none. Rejects with an `RpcFailure` for an
   * unknown tool, or one that `checkTool` refuses, and with a GreenroomError.
   */
  find(params: JsonObject, options: McpRequestOptions): Promise<PlacedCall | undefined>;
  /** The name by which the client sees a tool; undefined where it does not see it. The plugin may have gone. */
  nameOf(plugin: string, tool: string): string | undefined;
}
