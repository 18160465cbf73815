import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Refusal } from './refusal.ts';

/** A request on its way. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The parts of the path that the route names, without escapes. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
}

/** A request to use the connection for another protocol. */
export interface UpgradeExchange extends Omit<Exchange, 'response'> {
  readonly socket: Duplex;
  /** What the client has sent already. */
  readonly head: Buffer;
}

/** What is asked for by one method of one path. */
export interface Route {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';
  /** As find-my-way reads it: `/plugins/:name`, or `*` at the end for all below. */
  readonly path: string;
  /**
   * Who may ask: `open`, anybody; `token`, who brings the token of the listener, if it has one; `ticket`, also by a
   * {@link Tickets | ticket} in the query, for what a browser asks without headers.
   */
  readonly access: 'open' | 'token' | 'ticket';
  /** Whether it may bring a body, which the handler bounds and reads. Default false. */
  readonly takesBody?: boolean | undefined;
  /** Answers. Where it throws, the front tells of the error. */
  handle(exchange: Exchange): void | Promise<void>;
  /** Takes over a connection that is to be upgraded. Without it, upgrades of this path are refused. */
  upgrade?(exchange: UpgradeExchange): void | Promise<void>;
}

/** Routes that belong together, and tell of errors in one way. */
export interface Front {
  /** What the paths of its routes begin with: there it tells of errors also where there is no route. */
  readonly prefixes: readonly string[];
  readonly routes: readonly Route[];
  /** How many requests may be unfinished at once; one more is told to come again. */
  readonly maxExchanges: number;
  /** What a client without the token is to do; a sentence. By default, to send it. */
  readonly tokenText?: string | undefined;
  /** Tells why a request is not answered. */
  refuse(response: ServerResponse, refusal: Refusal): void;
  /** Tells of an error that a handler threw before it answered. */
  fail(response: ServerResponse, error: unknown): void;
  /** Ends the answers that would go on for ever; their readers get what there is up to now. */
  finish?(): void;
}
