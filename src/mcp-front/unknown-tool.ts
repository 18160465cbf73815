import type { RpcFailure } from '../mcp/front-plugin.ts';
import { nearestName } from '../text/nearest-name.ts';
import { invalidParams } from './rpc-fault.ts';

/** The −32602 by which MCP refuses a call of a tool that is not there. */
export function unknownToolFailure(name: unknown, known: Iterable<string>): RpcFailure {
  return invalidParams(unknownToolText(name, known));
}

/** The same as a text. */
export function unknownToolText(name: unknown, known: Iterable<string>): string {
  const nearest = nearestName(String(name), known);
  const next = nearest === undefined ? '"tools/list" names those that there are.' : `Did you mean "${nearest}"?`;
  return `Unknown tool: ${String(name)}. ${next}`;
}
