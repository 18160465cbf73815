import type { JsonObject } from './json-rpc.ts';
import type { Era } from './revisions.ts';
import type { AskOptions } from './rpc-peer.ts';
import type { UpdateListener } from './watched-resources.ts';

/** One client, for as long as it is connected. */
export interface ClientSession {
  /** What servers may ask of it, as it said when it began: none, or some of `sampling`, `elicitation` and `roots`. */
  readonly capabilities: JsonObject;
  /** Has the client answer a request of a server. Rejects with an RpcFailure: its answer, or why there is none. */
  ask(method: string, params: JsonObject, options: AskOptions): Promise<JsonObject>;
  /** Calls back with each notification of the client that is for servers. Returns how to stop. */
  onTold(listener: (method: string, params: JsonObject) => void): () => void;
  /** Calls back once, when the client has gone; at once where it has. */
  onEnd(listener: () => void): void;
}

/** What a request is sent on with. */
export interface McpRequestOptions {
  /** Cancels the request; its worker is told. */
  readonly signal: AbortSignal;
  /** Called with the parameters of each `notifications/progress` of it, in order, without its token. */
  readonly onProgress?: ((params: JsonObject) => void) | undefined;
  /** Called with the definition of the tool that is about to be called; throws a {@link RpcFailure} to refuse the call. */
  readonly checkTool?: ((tool: JsonObject) => void) | undefined;
  /** Who asks, as people are shown it: the name and version that the client gave. */
  readonly client: string;
  /** The session of the client; undefined where its requests come one by one, each by itself. */
  readonly session?: ClientSession | undefined;
}

/**
 * A plugin as a server of MCP. Two kinds: one whose worker is a server of MCP, which everything passes through unchanged;
 * and one of any other kind, whose tools are described and called as those of a server would be.
 */
export interface FrontPlugin {
  /** The plugin's name. */
  readonly name: string;
  /** Its tools as `tools/list` gives them, all of them, with what keys they have. Rejects with a GreenroomError. */
  listTools(signal: AbortSignal): Promise<readonly JsonObject[]>;
  /** The same as the copy of it says that this client has; undefined where it has none. Rejects as `listTools`. */
  ownTools?(session: ClientSession | undefined): Promise<readonly JsonObject[]> | undefined;
  /**
   * Calls a tool; resolves to the result of `tools/call`, failures of the tool itself among them (`isError`). `params` are
   * those of the request: `name`, `arguments` and whatever else it has. Rejects with an RpcFailure where the server
   * answered with an error, and with a GreenroomError.
   */
  callTool(params: JsonObject, options: McpRequestOptions): Promise<JsonObject>;
  /**
   * The job that a `tools/call` is; resolves to undefined for a tool that cannot be one. Rejects with a GreenroomError.
   * Without it, no tool can.
   */
  jobOf?(params: JsonObject): Promise<ToolJob | undefined>;
  /**
   * What the server said of itself when it began: `serverInfo`, `capabilities`, `instructions`. Undefined where it is no
   * server of MCP, which then has tools alone.
   */
  describe?(signal: AbortSignal): Promise<ServerDescription>;
  /** What it says of how it is used, as far as that is known without starting it. */
  instructions?(): string | undefined;
  /** The package that is being installed for it at the moment, and for how long it has been, in milliseconds. */
  installing?(): { readonly spec: string; readonly forMs: number } | undefined;
  /** Any other request, such as `resources/read`, passed through. Rejects as `callTool`. */
  request?(method: string, params: JsonObject, options: McpRequestOptions): Promise<JsonObject>;
  /**
   * Watches the resource of a `resources/subscribe`: its updates are told to the listener. Resolves to how to stop. Rejects as
   * `callTool`.
   */
  watch?(params: JsonObject, listener: UpdateListener, options: McpRequestOptions): Promise<() => void>;
}

/** A call of a tool as a job. */
export interface ToolJob {
  /** Undefined: the plugin's `execute`. */
  readonly tool: string | undefined;
  readonly input: unknown;
  /** Whether it must not begin a second time by itself. */
  readonly once: boolean;
  /** Whether the tool is called for its stream, whose chunks are the result. */
  readonly stream: boolean;
}

/** Those whose requests come one by one, each by itself: together they are one client, that never ends. */
export const WITHOUT_SESSION = Symbol('without session');

/** Whose process a server is that clients do not share. */
export type ProcessOwner = ClientSession | typeof WITHOUT_SESSION;

/** What a plugin that is a server of MCP tells unasked. */
export interface PluginNotice {
  readonly plugin: string;
  /** Whether it is a copy of the plugin that tells it, which is one client's. */
  readonly isOfCopy: boolean;
  /** Who alone is to be told; undefined where the process is that of all. */
  readonly owner?: ProcessOwner | undefined;
  readonly method: string;
  readonly params: JsonObject;
}

/** What a server of MCP says of itself. */
export interface ServerDescription {
  readonly serverInfo?: JsonObject | undefined;
  readonly capabilities: JsonObject;
  readonly instructions?: string | undefined;
  /** How it speaks. */
  readonly era?: Era | undefined;
}
