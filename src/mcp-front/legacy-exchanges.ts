import type { IncomingMessage } from 'node:http';
import { isRequest, type JsonRpcMessage, RPC_ERROR } from '../mcp/json-rpc.ts';
import { LEGACY_REVISIONS } from '../mcp/revisions.ts';
import type { Exchange } from '../server/route.ts';
import { shown } from '../text/shown.ts';
import type { FrontService } from './front-service.ts';
import type { LegacySession } from './legacy-session.ts';
import type { LegacySessions } from './legacy-sessions.ts';
import { headerOf, VERSION_HEADER } from './modern-headers.ts';
import { type Accepts, acceptsOf, PostAnswer } from './post-answer.ts';
import { httpRefusal, RpcRefusal } from './rpc-refusal.ts';

/** The header that names a session. */
const SESSION_HEADER = 'mcp-session-id';

/** Whether a request names a session, which has begun at a service already. */
export function namesSession({ headers }: IncomingMessage): boolean {
  return headerOf(headers, SESSION_HEADER) !== undefined;
}

/** Where a client asks: its address, and what it finds there. */
export interface Place {
  readonly address: string;
  /** Throws a refusal for a plugin that is unknown, disabled or has no tools, and for a query that is not understood. */
  service(): FrontService;
}

/** What legacy clients ask by HTTP: sessions that `initialize` begins, a stream of each, and their ends. */
export class LegacyExchanges {
  readonly #sessions: LegacySessions;

  constructor(sessions: LegacySessions) {
    this.#sessions = sessions;
  }

  /** Takes one message. Throws a refusal where it belongs to no session. */
  post({ request, response }: Exchange, message: JsonRpcMessage, place: Place, accepts: Accepts): void {
    const isFirst = isRequest(message) && message.method === 'initialize';
    const session = isFirst
      ? this.#sessions.begin(place.address, place.service())
      : this.#sessionOf(request, place.address);
    if (!isRequest(message)) return session.note(message, response);
    if (session.isRunning(message.id)) {
      const text = `A request with the id ${shown(message.id)} runs already. Give each its own.`;
      throw new RpcRefusal(400, { code: RPC_ERROR.invalidRequest, message: text }, message.id);
    }
    if (isFirst) response.setHeader(SESSION_HEADER, session.id);
    session.request(message, response, new PostAnswer(response, accepts));
  }

  /** Begins the stream of a session. */
  get({ request, response }: Exchange, { address }: Place): void {
    if (headerOf(request.headers, SESSION_HEADER) === undefined)
      throw httpRefusal(405, 'This is a server of MCP: send it messages by POST. Streams are those of a session.', {
        allow: 'POST',
      });
    const session = this.#sessionOf(request, address);
    if (!acceptsOf(request).events)
      throw httpRefusal(406, 'The stream of a session is one of events: send "Accept: text/event-stream".');
    session.follow(response);
  }

  /** Ends a session. */
  delete({ request, response }: Exchange, { address }: Place): void {
    this.#sessions.end(this.#sessionOf(request, address));
    response.writeHead(204).end();
  }

  #sessionOf({ headers }: IncomingMessage, address: string): LegacySession {
    const id = headerOf(headers, SESSION_HEADER);
    if (id === undefined)
      throw httpRefusal(400, 'The header Mcp-Session-Id is missing. It is in the answer to "initialize".');
    const version = headerOf(headers, VERSION_HEADER);
    if (version !== undefined && !LEGACY_REVISIONS.some((each) => each === version))
      throw httpRefusal(
        400,
        `The header MCP-Protocol-Version names ${shown(version)}. Sessions are of ${LEGACY_REVISIONS.join(', ')}.`,
      );
    const session = this.#sessions.find(id, address);
    if (session === undefined)
      throw httpRefusal(
        404,
        'There is no such session here: it has ended, or the daemon is another one. Send "initialize".',
      );
    return session;
  }
}
