import { buffer } from 'node:stream/consumers';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { pino } from 'pino';
import type { SupervisorOptions } from '../../src/index.ts';
import { readJson } from '../../src/json/read-json.ts';
import type { JsonObject } from '../../src/mcp/json-rpc.ts';
import { type McpFront, type McpFrontOptions, mcpFront } from '../../src/mcp-front/mcp-front.ts';
import { HttpServer } from '../../src/server/http-server.ts';
import { type Answer, type Ask, Events, type Loose, send, TOKEN } from '../api/opened.ts';
import { type OpenedSupervisor, openSupervisor } from '../runtime/greenroom.ts';
import { endAfterTest } from '../server/served.ts';

/** A supervisor with its front for MCP, closed after the test. */
export interface OpenedMcp extends OpenedSupervisor {
  readonly front: McpFront;
  readonly server: HttpServer;
  readonly port: number;
  /** What was logged. */
  readonly logged: Loose[];
  /** Sends one message as a client does, with these headers beside those that every client sends. */
  post(message: unknown, given?: Ask & { readonly path?: string }): Promise<Answer>;
  /** The same with the `_meta` and headers of a modern request. */
  modern(method: string, params?: JsonObject, given?: Ask & { readonly path?: string }): Promise<Answer>;
  /** The same, whose answer is a stream that is read. */
  modernStream(method: string, params?: JsonObject, given?: Ask & { readonly path?: string }): Promise<Events>;
}

/** Answers by JSON unless something is told before. */
export const ACCEPT = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' };

/** The `_meta` of a modern request. */
export const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

export async function openMcp(
  manifests: Parameters<typeof openSupervisor>[0],
  options: SupervisorOptions = {},
  frontOptions: Partial<McpFrontOptions> = {},
): Promise<OpenedMcp> {
  const opened = await openSupervisor(manifests, options);
  const logged: Loose[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void logged.push(JSON.parse(line)) });
  const serverOf: McpFrontOptions['serverOf'] = ({ name }) => opened.supervisor.mcpPlugin(name);
  const front = mcpFront(opened.supervisor, { version: '1.2.3', log, serverOf, ...frontOptions });
  opened.supervisor.onNotice((notice) => front.noteNotice(notice));
  const server = await HttpServer.listen({
    fronts: [front],
    address: { host: '127.0.0.1', port: 0 },
    token: () => TOKEN,
  });
  endAfterTest(async () => {
    front.close();
    await server.close(0);
  });
  const { port } = server;
  const post: OpenedMcp['post'] = async (message, { path = '/mcp', headers = {}, body } = {}) => {
    const response = await send(port, 'POST', path, {
      headers: { ...ACCEPT, ...headers },
      body: body ?? JSON.stringify(message),
    });
    const bytes = await buffer(response);
    const type = response.headers['content-type'] ?? '';
    // An answer that takes longer than a second is the last event of a stream.
    const [, last] = /json/.test(type) ? ['', bytes.toString()] : (/.*^data: (\{.*)$/ms.exec(bytes.toString()) ?? []);
    const value = last === undefined ? undefined : readJson(last.trimEnd());
    return { status: response.statusCode ?? 0, headers: response.headers, bytes, value };
  };
  return {
    ...opened,
    front,
    server,
    port,
    logged,
    post,
    modern: (method, params = {}, given = {}) => {
      const { message, headers } = modernRequest(method, params);
      return post(message, { ...given, headers: { ...headers, ...given.headers } });
    },
    modernStream: async (method, params = {}, { path = '/mcp', headers: more = {} } = {}) => {
      const { message, headers } = modernRequest(method, params);
      const body = JSON.stringify(message);
      return new Events(await send(port, 'POST', path, { headers: { ...ACCEPT, ...headers, ...more }, body }));
    },
  };
}

/** A request of a modern client, with the headers that go with it. */
export function modernRequest(method: string, params: JsonObject = {}, id: number | string = 1) {
  const { _meta = {}, ...rest } = params as { _meta?: JsonObject };
  const name = (params['name'] ?? params['uri']) as string | undefined;
  return {
    message: { jsonrpc: '2.0' as const, id, method, params: { ...rest, _meta: { ...META, ..._meta } } },
    headers: {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(name !== undefined && { 'mcp-name': name }),
    },
  };
}

/** What tests ask of an official client, whichever it is. */
export interface AnyClient {
  listTools(): Promise<{ tools: readonly Loose[]; _meta?: Loose }>;
  callTool(
    params: { name: string; arguments?: Record<string, unknown> },
    options?: { signal?: AbortSignal; onprogress?: (progress: Loose) => void },
  ): Promise<Loose>;
  onListChanged(listener: () => void): void;
  instructions(): string | undefined;
  revision(): string | undefined;
  close(): Promise<void>;
}

/** The official clients, each by the era that it speaks. */
export const CLIENTS = {
  'version 2, modern': (url: string) => connectV2(url, { pin: '2026-07-28' }),
  'version 2, which finds the era': (url: string) => connectV2(url, 'auto'),
  'version 2, legacy': (url: string) => connectV2(url, 'legacy'),
  'version 1': connectV1,
} as const satisfies Record<string, (url: string) => Promise<AnyClient>>;

const requestInit = { headers: { authorization: `Bearer ${TOKEN}` } };
const INFO = { name: 'test', version: '1.0.0' };

async function connectV2(url: string, mode: 'auto' | 'legacy' | { pin: string }): Promise<AnyClient> {
  let told = (): void => {};
  const client = new Client(INFO, {
    versionNegotiation: { mode },
    listChanged: { tools: { autoRefresh: false, onChanged: () => told() } },
  });
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
  endAfterTest(() => client.close());
  return {
    listTools: () => client.listTools(),
    callTool: (params, options) => client.callTool(params, options),
    onListChanged: (listener) => void (told = listener),
    instructions: () => client.getInstructions(),
    revision: () => client.getNegotiatedProtocolVersion(),
    close: () => client.close(),
  };
}

async function connectV1(url: string): Promise<AnyClient> {
  let told = (): void => {};
  const client = new ClientV1(INFO, { listChanged: { tools: { autoRefresh: false, onChanged: () => told() } } });
  const transport = new TransportV1(new URL(url), { requestInit });
  await client.connect(transport);
  endAfterTest(() => client.close());
  return {
    listTools: () => client.listTools(),
    callTool: (params, options) => client.callTool(params, undefined, options),
    onListChanged: (listener) => void (told = listener),
    instructions: () => client.getInstructions(),
    revision: () => transport.protocolVersion,
    close: () => client.close(),
  };
}
