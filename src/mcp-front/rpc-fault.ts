import { GreenroomError } from '../errors.ts';
import { type JsonRpcFault, RPC_ERROR } from '../mcp/json-rpc.ts';
import { NOT_BEGUN } from '../mcp/revisions.ts';
import { RpcFailure } from '../mcp/rpc-failure.ts';
import { quoted } from '../text/shown.ts';
import { isOfEnd } from './call-failure.ts';

/** An error as JSON-RPC tells it. What is a fault of ours is noted, and its client is told nothing of it. */
export function faultOf(error: unknown, onError: (error: unknown) => void): JsonRpcFault {
  if (error instanceof RpcFailure) {
    const { code, message, data } = error;
    return { code, message, ...(data !== undefined && { data }) };
  }
  if (error instanceof GreenroomError) {
    const { code, plugin, message } = error;
    const data = { code, ...(plugin !== undefined && { plugin }), ...(isOfEnd(error) && { [NOT_BEGUN]: true }) };
    return { code: RPC_ERROR.internal, message, data };
  }
  onError(error);
  return { code: RPC_ERROR.internal, message: 'Greenroom failed to answer. Its log says why.' };
}

/** What has wrong parameters; a sentence or two that say which, and what is expected. */
export function invalidParams(message: string): RpcFailure {
  return new RpcFailure(RPC_ERROR.invalidParams, message);
}

/** A method that is not served here. */
export function unknownMethod(method: string): RpcFailure {
  return new RpcFailure(RPC_ERROR.methodNotFound, `There is no method ${quoted(method)} here.`);
}
