import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { type ApiFront, apiFront } from '../../src/api/api-front.ts';
import type { SupervisorOptions } from '../../src/index.ts';
import type { Jobs } from '../../src/jobs/index.ts';
import { readJson } from '../../src/json/read-json.ts';
import { HttpServer } from '../../src/server/http-server.ts';
import { Tickets } from '../../src/server/tickets.ts';
import { eventuallyTrue } from '../eventually.ts';
import { openTheJobs } from '../jobs/opened-jobs.ts';
import { type ManifestOf, type OpenedSupervisor, openSupervisor } from '../runtime/greenroom.ts';
import { endAfterTest } from '../server/served.ts';

export const TOKEN = 'the-token-of-the-tests';

/** Data that a test looks into, typed as `JSON.parse` types it. */
export type Loose = ReturnType<typeof JSON.parse>;

/** What the interface answered. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  /** The body as JSON; undefined where it is none. */
  readonly value: Loose;
}

/** What a test asks with. */
export interface Ask {
  readonly headers?: Readonly<Record<string, string>>;
  /** A value that is no text and no bytes is sent as JSON. */
  readonly body?: unknown;
}

/** A supervisor of these plugins with its HTTP interface, closed after the test. */
export interface OpenedApi extends OpenedSupervisor {
  readonly port: number;
  readonly front: ApiFront;
  readonly server: HttpServer;
  readonly tickets: Tickets;
  /** Errors that are no fault of a request. */
  readonly errors: unknown[];
  /** How often it was asked to end. */
  readonly stops: () => number;
  ask(method: string, path: string, given?: Ask): Promise<Answer>;
  call(plugin: string, input: unknown, tool?: string): Promise<Answer>;
  /** Begins to read a stream of events. */
  events(method: string, path: string, given?: Ask): Promise<Events>;
}

export async function openApi(
  manifests: Record<string, ManifestOf>,
  options?: SupervisorOptions | ((folders: Pick<OpenedSupervisor, 'plugins' | 'scratch'>) => SupervisorOptions),
): Promise<OpenedApi> {
  const opened = await openSupervisor(manifests, options);
  const tickets = new Tickets();
  const errors: unknown[] = [];
  let stops = 0;
  let jobs: Promise<Jobs> | undefined;
  const front = apiFront(opened.supervisor, {
    version: '1.2.3',
    tickets,
    jobs: () => (jobs ??= openTheJobs({ supervisor: opened.supervisor })),
    fleet: () => undefined,
    daemon: () => ({ version: '1.2.3', pid: process.pid, since: Date.now(), addresses: [] }),
    stop: () => void (stops += 1),
    onError: (error) => void errors.push(error),
  });
  const address = { host: '127.0.0.1', port: 0 };
  const server = await HttpServer.listen({ fronts: [front], address, token: () => TOKEN, tickets });
  const { port } = server;
  endAfterTest(async () => {
    front.close();
    await server.close(0);
  });
  const ask = async (method: string, path: string, given: Ask = {}): Promise<Answer> => {
    const response = await send(port, method, path, given);
    const { statusCode: status = 0, headers } = response;
    const bytes = await buffer(response);
    const isJson = /json/.test(headers['content-type'] ?? '');
    return { status, headers, bytes, value: isJson ? readJson(bytes.toString()) : undefined };
  };
  return {
    ...opened,
    port,
    front,
    server,
    tickets,
    errors,
    stops: () => stops,
    ask,
    call: (plugin, input, tool = 'execute') => ask('POST', `/api/plugins/${plugin}/tools/${tool}`, { body: input }),
    events: async (method, path, given = {}) => {
      const headers = { accept: 'text/event-stream', ...given.headers };
      return new Events(await send(port, method, path, { ...given, headers }));
    },
  };
}

/** Sends a request with the token; resolves to the answer when its head has come. */
export function send(
  port: number,
  method: string,
  path: string,
  { headers = {}, body }: Ask,
): Promise<IncomingMessage> {
  const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
  const content = body === undefined || isRaw ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        agent: false,
        headers: {
          authorization: `Bearer ${TOKEN}`,
          ...(body !== undefined && !isRaw && { 'content-type': 'application/json' }),
          ...headers,
        },
      },
      resolve,
    );
    sent.on('error', reject);
    sent.end(content);
    endAfterTest(() => sent.destroy());
  });
}

/** An event of a stream. */
export interface Told {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: Loose;
}

/** A stream of events that is read. */
export class Events {
  readonly response: IncomingMessage;
  readonly told: Told[] = [];
  readonly ended: Promise<readonly Told[]>;
  #text = '';

  constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding('utf8').on('data', (chunk: string) => this.#take(chunk));
    response.on('error', () => {});
    this.ended = new Promise((resolve) => response.once('close', () => resolve(this.told)));
  }

  /** Resolves to the first event of this name. */
  first(event: string): Promise<Told> {
    return eventuallyTrue(() => this.told.find((each) => each.event === event));
  }

  get names(): string[] {
    return this.told.map(({ event }) => event);
  }

  #take(chunk: string): void {
    const parts = (this.#text + chunk).split('\n\n');
    this.#text = parts.pop() ?? '';
    for (const part of parts) {
      if (part.startsWith(':')) continue;
      const lines = new Map(
        part.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(' ') + 1)]),
      );
      const data = lines.get('data') ?? '';
      this.told.push({ id: lines.get('id'), event: lines.get('event') ?? '', data: parsed(data) });
    }
  }
}

function parsed(data: string): unknown {
  try {
    return readJson(data);
  } catch {
    return data;
  }
}
