import { z } from 'zod';
import { GreenroomError } from '../errors.ts';
import type { FleetNode } from '../fleet/fleet-node.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { printedJson } from '../json/printed-json.ts';
import type { Tool } from '../protocol.ts';
import type { Supervisor } from '../runtime/supervisor.ts';
import { give } from '../server/answer.ts';
import { UnreadBody } from '../server/body.ts';
import { EventStream } from '../server/event-stream.ts';
import type { Front } from '../server/route.ts';
import { TICKET_MS, type Tickets } from '../server/tickets.ts';
import { callEndpoint } from './call-endpoint.ts';
import { byTicket, type Endpoint, endpoint, jsonEndpoint } from './endpoint.ts';
import { EventFeed } from './event-feed.ts';
import { fleetEndpoints } from './fleet-endpoint.ts';
import { jobEndpoints } from './job-endpoints.ts';
import { logEndpoint } from './log-endpoint.ts';
import { openApiDocument } from './openapi.ts';
import { pluginEndpoints } from './plugin-endpoints.ts';
import { giveProblem, refuseWithProblem } from './problem.ts';
import { allStatsSchema, statusSchema, ticketSchema } from './schemas.ts';

/** How many requests of the interface may be unfinished at once. Calls that wait for their plugins are among them. */
const MAX_EXCHANGES = 4_000;

/** What the interface needs beside the supervisor. */
export interface ApiOptions {
  readonly version: string;
  readonly tickets: Tickets;
  /** The jobs, which are opened if need be. Rejects with `E_JOB_STORE`, and with `E_STOPPING`. */
  jobs(): Promise<Jobs>;
  /** The node of the fleet that the daemon is; undefined: it is in none. */
  fleet(): FleetNode | undefined;
  /** How the daemon stands, which is part of the status. */
  daemon(): object;
  /** Ends the daemon in good order; it goes on once the answer is sent. */
  stop(): void;
  /** Writes down an error that is no fault of the request. */
  onError(error: unknown): void;
}

/** The HTTP interface of a supervisor, and how to listen to it no more. */
export interface ApiFront extends Front {
  close(): void;
}

/** The HTTP interface of a supervisor, below `/api`. */
export function apiFront(supervisor: Supervisor, options: ApiOptions): ApiFront {
  const feed = new EventFeed(supervisor);
  const endpoints: Endpoint[] = [
    ...pluginEndpoints(supervisor),
    callEndpoint(supervisor),
    logEndpoint(supervisor),
    ...jobEndpoints(() => options.jobs()),
    ...fleetEndpoints(
      () => options.jobs(),
      () => options.fleet(),
    ),
    ...daemonEndpoints(supervisor, options),
    eventEndpoint(feed),
  ];
  endpoints.push(documentEndpoint(supervisor, options.version, endpoints));
  return {
    prefixes: ['/api'],
    routes: endpoints.map(({ route }) => route),
    maxExchanges: MAX_EXCHANGES,
    refuse: refuseWithProblem,
    fail(response, error) {
      giveProblem(response, error);
      if (!(error instanceof GreenroomError || error instanceof UnreadBody)) options.onError(error);
    },
    finish: () => feed.finish(),
    close: () => feed.close(),
  };
}

function daemonEndpoints(supervisor: Supervisor, options: ApiOptions): Endpoint[] {
  return [
    jsonEndpoint(
      { method: 'GET', path: '/status', summary: 'How the daemon and its supervisor stand.', answer: statusSchema },
      () => ({ daemon: options.daemon(), ...supervisor.status() }),
    ),
    jsonEndpoint(
      { method: 'GET', path: '/stats', summary: 'What all workers use, and the machine has.', answer: allStatsSchema },
      async () => {
        const running = supervisor.plugins().filter(({ pid }) => pid !== undefined);
        const measured = await Promise.allSettled(running.map(({ name }) => supervisor.stats(name)));
        const plugins = running.flatMap(({ name }, at) => {
          const stats = measured[at];
          return stats?.status === 'fulfilled' ? [[name, stats.value] as const] : [];
        });
        return { plugins: Object.fromEntries(plugins), system: await supervisor.systemStats() };
      },
    ),
    jsonEndpoint(
      {
        method: 'POST',
        path: '/tickets',
        summary: 'A ticket for one request of events by a browser, which sends no headers: `?ticket=…`.',
        body: z.strictObject({}),
        answer: ticketSchema,
      },
      () => ({ ticket: options.tickets.issue(), expiresInMs: TICKET_MS }),
    ),
    jsonEndpoint(
      { method: 'POST', path: '/stop', summary: 'Ends the daemon in good order.', body: z.strictObject({}) },
      () => options.stop(),
    ),
  ];
}

function eventEndpoint(feed: EventFeed): Endpoint {
  return byTicket(
    {
      method: 'GET',
      path: '/events',
      summary: 'What happens, as events: first a `snapshot`, or what came after `Last-Event-ID`.',
      answer: z.unknown(),
      also: {
        'text/event-stream':
          'Events `snapshot`, `transition`, `instance`, `decision`, `eviction`, `code` and `problem`.',
      },
    },
    ({ request, response }) => {
      const last = request.headers['last-event-id'];
      return feed.follow(new EventStream(response), typeof last === 'string' ? last : undefined);
    },
  );
}

function documentEndpoint(supervisor: Supervisor, version: string, endpoints: readonly Endpoint[]): Endpoint {
  return endpoint(
    { method: 'GET', path: '/openapi.json', summary: 'This document.', answer: z.looseObject({}) },
    ({ response }) => {
      const known = supervisor
        .plugins()
        .map(({ name }) => ({ plugin: name, tools: (supervisor.plugin(name).info.tools ?? []) as readonly Tool[] }));
      const descriptions = endpoints.map(({ description }) => description);
      give(response, 'application/json', printedJson(openApiDocument(version, descriptions, known)));
    },
  );
}
