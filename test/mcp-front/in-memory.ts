import type { McpRequestOptions } from '../../src/mcp/front-plugin.ts';
import type { JsonObject, JsonRpcMessage, RequestId } from '../../src/mcp/json-rpc.ts';
import type { FrontService } from '../../src/mcp-front/front-service.ts';
import { McpSession } from '../../src/mcp-front/mcp-session.ts';
import type { Loose } from '../api/opened.ts';
import { eventuallyTrue } from '../eventually.ts';
import { META } from './opened.ts';

/** A service with one tool, `do`, that does what a test says. */
export class FakeService implements FrontService {
  readonly calls: { readonly params: JsonObject; readonly options: McpRequestOptions }[] = [];
  readonly listeners = new Set<() => void>();
  call: (params: JsonObject, options: McpRequestOptions) => Promise<JsonObject> = async () => ({ content: [] });
  list: () => Promise<readonly JsonObject[]> = async () => [{ name: 'do', inputSchema: { type: 'object' } }];
  request: FrontService['request'];

  async describe() {
    return { serverInfo: { name: 'fake', version: '1' }, capabilities: { tools: { listChanged: true } } };
  }

  listTools(): Promise<readonly JsonObject[]> {
    return this.list();
  }

  callTool(params: JsonObject, options: McpRequestOptions): Promise<JsonObject> {
    this.calls.push({ params, options });
    return this.call(params, options);
  }

  onToolsChanged(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Its tools have changed. */
  change(): void {
    for (const listener of this.listeners) listener();
  }
}

/** A session whose client is the test. */
export function openSession<Service extends FrontService = FakeService>(
  service: Service = new FakeService() as FrontService as Service,
) {
  const sent: { readonly message: Loose; readonly about: RequestId | undefined }[] = [];
  const dropped: RequestId[] = [];
  const errors: unknown[] = [];
  const session = new McpSession(
    service,
    {
      send: (message, about) => void sent.push({ message: structuredClone(message), about }),
      ask: (message) => sent.push({ message: structuredClone(message), about: undefined }) > 0,
      drop: (id) => void dropped.push(id),
    },
    (error) => void errors.push(error),
  );
  let lastId = 0;
  const say = (message: object): void => session.receive({ jsonrpc: '2.0', ...message } as JsonRpcMessage);
  const answerTo = (id: RequestId): Promise<Loose> =>
    eventuallyTrue(() => sent.find(({ message }) => message.id === id && !('method' in message))).then(
      ({ message }) => message,
    );
  const ask = (method: string, params?: JsonObject): Promise<Loose> => {
    lastId += 1;
    say({ id: lastId, method, ...(params !== undefined && { params }) });
    return answerTo(lastId);
  };
  return {
    service,
    session,
    sent,
    dropped,
    errors,
    say,
    ask,
    answerTo,
    /** Asks as a modern client. */
    askModern: (method: string, params: JsonObject = {}) =>
      ask(method, { ...params, _meta: { ...META, ...(params['_meta'] as JsonObject | undefined) } }),
    /** Begins as a legacy client. */
    begin: async (protocolVersion = '2025-11-25') => {
      const answer = await ask('initialize', {
        protocolVersion,
        capabilities: {},
        clientInfo: { name: 'tester', version: '2' },
      });
      say({ method: 'notifications/initialized' });
      return answer;
    },
    /** The methods that the client was told, in order. */
    told: () => sent.flatMap(({ message }) => ('method' in message ? [message.method] : [])),
  };
}
