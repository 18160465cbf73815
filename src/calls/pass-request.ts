import { GreenroomError } from '../errors.ts';
import type { McpRequestOptions } from '../mcp/front-plugin.ts';
import type { JsonObject } from '../mcp/json-rpc.ts';
import { RpcFailure } from '../mcp/rpc-failure.ts';
import type { CallSite } from './call-site.ts';
import { RequestLease, type RequestSite } from './request-lease.ts';

/**
 * Passes a request of a client of MCP through to a plugin that is a server of MCP, under a lease of its worker; resolves
 * to the result as it came. Rejects with the {@link RpcFailure} that the server answered with, or a GreenroomError.
 */
export async function passRequest(
  site: RequestSite & Pick<CallSite, 'tools'>,
  method: string,
  params: JsonObject,
  { signal, onProgress, client, session }: McpRequestOptions,
): Promise<JsonObject> {
  const lease = new RequestLease(site, 'request', { signal }, { tool: method, client });
  let isSent = false;
  try {
    const residency = await lease.enter();
    const { channel } = residency;
    lease.signal.throwIfAborted();
    if (channel.mcp === undefined) throw notMcp(site.plugin);
    site.tools.learn(residency);
    isSent = true;
    const result = await channel.mcp.request(method, params, { signal: lease.signal, onProgress, session });
    lease.end();
    return result;
  } catch (thrown) {
    if (thrown instanceof RpcFailure) {
      lease.end();
      throw thrown;
    }
    const { error } = await lease.explain(thrown, isSent);
    lease.end(error);
    throw error;
  }
}

function notMcp(plugin: string): GreenroomError {
  return new GreenroomError('E_UNSUPPORTED', `"${plugin}" is no server of MCP any more.`, { plugin });
}
