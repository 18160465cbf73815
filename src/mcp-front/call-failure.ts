import { GreenroomError } from '../errors.ts';
import type { JsonObject } from '../mcp/json-rpc.ts';
import { NOT_BEGUN } from '../mcp/revisions.ts';

/** What a model reads while the daemon ends its last calls: a client that is connected again has the next one. */
const STOPPING = 'Greenroom is ending, or being replaced, and takes no more calls. Call again in a moment.';

/**
 * A call that failed as a result that the model reads, as MCP has it for all that is wrong with a tool: a plugin's own
 * words for its own errors, and what to do next for others. Throws what is no GreenroomError.
 */
export function failedResult(error: unknown): JsonObject {
  if (!(error instanceof GreenroomError)) throw error;
  if (isOfEnd(error)) return { ...errorText(STOPPING), _meta: { [NOT_BEGUN]: true } };
  return errorText(error.code === 'E_REMOTE' ? error.remote.message || error.message : error.message);
}

/** Whether something was not begun, as the supervisor with all its plugins is ending. */
export function isOfEnd({ code, plugin }: GreenroomError): boolean {
  return code === 'E_STOPPING' && plugin === undefined;
}

/** A result that says in a text what is wrong. */
export function errorText(text: string): JsonObject {
  return { content: [{ type: 'text', text }], isError: true };
}
