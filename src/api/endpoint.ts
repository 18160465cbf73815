import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { GreenroomError, messageOf } from '../errors.ts';
import { printedJson } from '../json/printed-json.ts';
import { readJson } from '../json/read-json.ts';
import { give } from '../server/answer.ts';
import { readBody } from '../server/body.ts';
import type { Exchange, Route } from '../server/route.ts';
import { quoted } from '../text/shown.ts';
import { refusals, zodMessages } from '../text/zod-messages.ts';

/** The most bytes of a body that is read whole as JSON. */
export const MAX_JSON_BYTES = 64 * 1024 * 1024;

/** What an endpoint is given of a request. */
export interface Asked<Query, Body> {
  /** The part of the path called `:name`; '' where there is none. */
  readonly name: string;
  /** The part of the path called `:id`. */
  readonly id: string;
  readonly query: Query;
  readonly body: Body;
  /** Aborted once the client has gone. */
  readonly signal: AbortSignal;
}

/** What the document of the interface says of an endpoint. */
export interface EndpointDescription {
  readonly method: Route['method'];
  /** Below `/api`, with `:name` for the plugin and `:id` for the job. */
  readonly path: string;
  readonly summary: string;
  readonly query?: z.ZodObject | undefined;
  readonly body?: z.ZodType | undefined;
  /** What it answers with, as JSON; without it, there is nothing to answer: 204. */
  readonly answer?: z.ZodType | undefined;
  /** Other media types that it answers with or takes, with what each is. */
  readonly also?: Readonly<Record<string, string>> | undefined;
}

/** A part of the interface: how it is described, and what answers. */
export interface Endpoint {
  readonly description: EndpointDescription;
  readonly route: Route;
}

type Given<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

/** An endpoint that takes and gives JSON. */
export function jsonEndpoint<const D extends EndpointDescription>(
  description: D,
  answer: (asked: Asked<Given<D['query']>, Given<D['body']>>) => unknown,
): Endpoint {
  return endpoint(description, async (exchange) => {
    const { request, response, params } = exchange;
    const query = checkedQuery(description.query, exchange.query);
    const body = description.body === undefined ? undefined : await readInput(request, response, description.body);
    const signal = goneSignal(response);
    const value = await answer({
      name: params['name'] ?? '',
      id: params['id'] ?? '',
      query: query as Given<D['query']>,
      body: body as Given<D['body']>,
      signal,
    });
    if (description.answer !== undefined) give(response, 'application/json', printedJson(value));
    else if (!response.destroyed) response.writeHead(204).end();
  });
}

/** An endpoint that answers in its own way. */
export function endpoint(
  description: EndpointDescription,
  handle: (exchange: Exchange) => void | Promise<void>,
): Endpoint {
  const { method, path, body } = description;
  return {
    description,
    route: { method, path: `/api${path}`, access: 'token', takesBody: body !== undefined, handle },
  };
}

/** The same for a stream of events: a browser, which sends no headers, may ask for it by a ticket. */
export function byTicket(...given: Parameters<typeof endpoint>): Endpoint {
  const { description, route } = endpoint(...given);
  return { description, route: { ...route, access: 'ticket' } };
}

/** A signal that is aborted once the client has gone before it was answered. */
export function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new Error('The client has gone.'));
  });
  if (response.destroyed) gone.abort(new Error('The client has gone.'));
  return gone.signal;
}

/** The query of a request by its schema. Throws `E_OPTIONS` naming each parameter that is wrong. */
export function checkedQuery<Schema extends z.ZodObject | undefined>(
  schema: Schema,
  query: URLSearchParams,
): Given<Schema> {
  const given = new Map<string, string>();
  for (const [name, value] of query) {
    if (name === 'ticket') continue;
    if (given.has(name)) throw new GreenroomError('E_OPTIONS', `The query has ${quoted(name)} twice; send it once.`);
    given.set(name, value);
  }
  return checked(schema ?? z.strictObject({}), Object.fromEntries(given), 'query', 'parameter') as Given<Schema>;
}

/** A body by its schema. Throws `E_OPTIONS` naming each field that is wrong. */
export function checkedBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  return checked(schema, body ?? {}, 'body', 'field') as z.output<Schema>;
}

async function readInput(request: IncomingMessage, response: ServerResponse, schema: z.ZodType): Promise<unknown> {
  const text = (await readBody(request, response, MAX_JSON_BYTES)).toString('utf8');
  return checkedBody(schema, text.trim() === '' ? {} : parseJson(request, text));
}

/** The JSON of a body. Throws `E_OPTIONS` where it is of another type or no JSON. */
export function parseJson(request: IncomingMessage, text: string): unknown {
  const type = request.headers['content-type'];
  // Of another type, a page from elsewhere could send it unasked.
  if (type === undefined || !/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(type)) {
    const got = type === undefined ? 'no content type' : `"${type}"`;
    throw new GreenroomError('E_OPTIONS', `The body must be application/json, got ${got}.`);
  }
  try {
    return readJson(text);
  } catch (error) {
    throw new GreenroomError('E_OPTIONS', `The body is not JSON that can be read: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}

function checked(schema: z.ZodType, value: unknown, where: string, kind: string): unknown {
  const parsed = schema.safeParse(value, { error: zodMessages(kind) });
  if (parsed.success) return parsed.data;
  const reasons = refusals(parsed.error.issues).map(({ path, message }) =>
    path.length === 0 ? message : `${path.join('.')}: ${message}`,
  );
  throw new GreenroomError('E_OPTIONS', `Invalid ${where}: ${reasons.join('; ')}.`, { details: { problems: reasons } });
}
