import type { ServerResponse } from 'node:http';
import { GreenroomError } from '../errors.ts';
import { type JsonRpcFault, type RequestId, writeMessage } from '../mcp/json-rpc.ts';
import { RpcFailure } from '../mcp/rpc-failure.ts';
import { give } from '../server/answer.ts';
import { UnreadBody } from '../server/body.ts';
import type { Refusal } from '../server/refusal.ts';
import { faultOf } from './rpc-fault.ts';

/** The code of errors of HTTP alone, of those that JSON-RPC leaves to servers. */
const OF_HTTP = -32000;

/** A request that is answered with a status of HTTP other than 200. */
export class RpcRefusal extends Error {
  override readonly name = 'RpcRefusal';
  readonly status: number;
  readonly fault: JsonRpcFault;
  readonly id: RequestId | null;
  readonly headers: Readonly<Record<string, string>> | undefined;

  constructor(status: number, fault: JsonRpcFault, id: RequestId | null = null, headers?: Record<string, string>) {
    super(fault.message);
    this.status = status;
    this.fault = fault;
    this.id = id;
    this.headers = headers;
  }
}

/** A refusal by HTTP alone, for people: what is wrong, and what to do. */
export function httpRefusal(status: number, message: string, headers?: Record<string, string>): RpcRefusal {
  return new RpcRefusal(status, { code: OF_HTTP, message }, null, headers);
}

/** Tells why a request is not answered, as an error of JSON-RPC. */
export function refuseRpc(response: ServerResponse, { status, message, headers }: Refusal): void {
  giveFault(response, status, { code: OF_HTTP, message }, null, headers);
}

/** Tells of an error that came before an answer. */
export function giveRpcError(response: ServerResponse, error: unknown, onError: (error: unknown) => void): void {
  if (error instanceof UnreadBody) return refuseRpc(response, error);
  if (error instanceof RpcRefusal) return giveFault(response, error.status, error.fault, error.id, error.headers);
  const status = error instanceof GreenroomError || error instanceof RpcFailure ? 400 : 500;
  giveFault(response, status, faultOf(error, onError), null);
}

/** Why a connection is not taken over. What is a fault of ours is told in its log. */
export function upgradeRefusalOf(error: unknown): Refusal {
  if (error instanceof RpcRefusal) return error;
  return { status: 500, message: 'Greenroom failed to answer. Its log says why.' };
}

function giveFault(
  response: ServerResponse,
  status: number,
  error: JsonRpcFault,
  id: RequestId | null,
  headers: Readonly<Record<string, string>> = {},
): void {
  give(response, 'application/json', writeMessage({ jsonrpc: '2.0', id, error }), status, headers);
}
