import type { McpRequestOptions } from '../mcp/front-plugin.ts';
import { isObject, type JsonObject } from '../mcp/json-rpc.ts';
import { INSTALLING } from '../mcp/revisions.ts';
import { passedOn } from './envelope.ts';
import type { FrontService, Installing } from './front-service.ts';
import { invalidParams, unknownMethod } from './rpc-fault.ts';
import { MODERN_TASK_METHODS } from './tasks/modern-tasks.ts';

/** Methods that a client asks of us alone: they are answered here, or, in the other era, by nobody. */
const OWN = new Set([
  'initialize',
  'ping',
  'server/discover',
  'subscriptions/listen',
  'resources/subscribe',
  'resources/unsubscribe',
]);

/** What both eras ask of a service in the same way. Rejects as the service does, and with −32601 and −32602. */
export async function askService(
  service: FrontService,
  method: string,
  params: JsonObject,
  options: McpRequestOptions,
): Promise<JsonObject> {
  switch (method) {
    case 'tools/list':
      // The list is given whole, so no cursor is ours.
      if (params['cursor'] !== undefined) throw invalidParams('The list has one page: ask for it without "cursor".');
      return listOf(await service.listTools(options.signal, options.session), service.installing?.() ?? []);
    case 'tools/call':
      return service.callTool(passedOn(checkedCall(params)), options);
    default:
      if (service.request === undefined || OWN.has(method)) throw unknownMethod(method);
      return service.request(method, passedOn(params), options);
  }
}

/** Beside the tools, what is missing among them: clients pass over a key of `_meta` that they do not know. */
function listOf(tools: readonly JsonObject[], installing: readonly Installing[]): JsonObject {
  return { tools, ...(installing.length > 0 && { _meta: { [INSTALLING]: installing } }) };
}

/** Whether a service has an answer to the method of a modern client, which may be that of the server behind it. */
export function isAsked(service: FrontService, method: string): boolean {
  if (method === 'tools/list' || method === 'tools/call') return true;
  if (service.tasks !== undefined && MODERN_TASK_METHODS.has(method)) return true;
  return service.request !== undefined && !OWN.has(method);
}

/** The parameters of a `tools/call`. Throws −32602 for what are none. */
export function checkedCall(params: JsonObject): JsonObject {
  if (typeof params['name'] !== 'string') throw invalidParams('"name" is missing: name the tool to call.');
  const given = params['arguments'];
  if (given !== undefined && !isObject(given)) throw invalidParams('"arguments" must be an object.');
  return params;
}
