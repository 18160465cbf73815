import { isRequest, type JsonRpcMessage, type JsonRpcRequest, RPC_ERROR } from '../mcp/json-rpc.ts';
import { META } from '../mcp/revisions.ts';
import { RpcFailure } from '../mcp/rpc-failure.ts';
import type { Exchange } from '../server/route.ts';
import { metaOf, readEnvelope } from './envelope.ts';
import type { FrontService } from './front-service.ts';
import { McpSession } from './mcp-session.ts';
import { headerMismatch } from './modern-headers.ts';
import { paramMismatch } from './param-headers.ts';
import { type Accepts, PostAnswer } from './post-answer.ts';
import { RpcRefusal } from './rpc-refusal.ts';
import { isAsked } from './service-requests.ts';

/** Methods of the modern protocol that are answered here. */
const OWN = new Set(['server/discover', 'subscriptions/listen']);

/** Answers modern requests, each by itself: a client that closes the connection cancels its request. */
export class ModernPosts {
  readonly #open = new Set<McpSession>();
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** Answers one message. Throws a refusal where it, or its headers, are not those of a modern request. */
  answer({ request, response }: Exchange, message: JsonRpcMessage, service: FrontService, accepts: Accepts): void {
    if (!isRequest(message)) {
      // There is nothing that it could be about: a request is cancelled by closing its connection.
      response.writeHead(202).end();
      return;
    }
    // An envelope that names no revision is to be told so, and one that names another than the header does, of that.
    if (metaOf(message.params)[META.version] === undefined) checkEnvelope(message);
    const wrong = headerMismatch(request.headers, message);
    if (wrong !== undefined) throw new RpcRefusal(400, { code: RPC_ERROR.headerMismatch, message: wrong }, message.id);
    checkEnvelope(message);
    const isServed = OWN.has(message.method) || isAsked(service, message.method);
    const answer = new PostAnswer(response, accepts);
    const session = new McpSession(
      service,
      {
        send: (each) =>
          'method' in each ? answer.tell(each) : answer.end(each, statusOf(each, message.method, isServed)),
        // A modern client is asked in results.
        ask: () => false,
        drop: () => answer.drop(),
      },
      this.#onError,
      {
        isOfOneClient: false,
        checkTool: (tool) => {
          const other = paramMismatch(request.headers, tool, message.params?.['arguments']);
          if (other !== undefined) throw new RpcFailure(RPC_ERROR.headerMismatch, other);
        },
      },
    );
    this.#open.add(session);
    response.once('close', () => {
      this.#open.delete(session);
      session.close();
    });
    session.receive(message);
  }

  /** Ends the subscriptions in good order. */
  finish(): void {
    for (const session of this.#open) session.finish();
  }
}

/** The status of an answer, which the revision demands for some errors. */
function statusOf(answer: JsonRpcMessage, method: string, isServed: boolean): number {
  if (!isServed) return 404;
  if (!('error' in answer)) return 200;
  // Those of tools are theirs, whatever their code.
  if (answer.error.code === RPC_ERROR.methodNotFound) return method === 'tools/call' ? 200 : 404;
  return answer.error.code === RPC_ERROR.missingClientCapability || answer.error.code === RPC_ERROR.headerMismatch
    ? 400
    : 200;
}

function checkEnvelope({ id, params }: JsonRpcRequest): void {
  try {
    readEnvelope(params);
  } catch (error) {
    if (!(error instanceof RpcFailure)) throw error;
    const { code, message, data } = error;
    throw new RpcRefusal(400, { code, message, ...(data !== undefined && { data }) }, id);
  }
}
