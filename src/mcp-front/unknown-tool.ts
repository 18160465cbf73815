import type { RpcFailure } from '../mcp/rpc-failure.ts';
import { nearestName } from '../text/nearest-name.ts';
import { shortened } from '../text/shortened.ts';
import { invalidParams } from './rpc-fault.ts';

/** How much of a name that is none is said again, in characters. */
const MAX_SHOWN = 200;

/** The −32602 by which MCP refuses a call of a tool that is not there. */
export function unknownToolFailure(name: unknown, known: Iterable<string>): RpcFailure {
  return invalidParams(unknownToolText(name, known, '"tools/list" names those that there are.'));
}

/** The same as a text. @param advice what to do where no known name is near */
export function unknownToolText(name: unknown, known: Iterable<string>, advice: string): string {
  const nearest = nearestName(String(name), known);
  const next = nearest === undefined ? advice : `Did you mean "${nearest}"?`;
  return `Unknown tool: ${shortened(String(name), MAX_SHOWN)}. ${next}`;
}
