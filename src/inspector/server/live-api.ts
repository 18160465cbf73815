import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Recorder } from '../record/recorder.ts';
import { CONTROL_PATH } from './access.ts';
import { give, SECURITY_HEADERS, say } from './answer.ts';
import type { Control } from './control.ts';
import { type Encoding, Follower } from './follower.ts';
import type { Api } from './server.ts';

/** How many answers with data may be unfinished at once: each may hold a whole sync for a client that does not read. */
const MAX_READERS = 8;
/** The longest body of a request, in bytes. */
const MAX_BODY = 4_096;

type Route = (request: IncomingMessage, response: ServerResponse, path: string) => void | Promise<void>;

const PAYLOAD = '/api/payload/';

/** Shows a running supervisor, as it is recorded. */
export class LiveApi implements Api {
  readonly #recorder: Recorder;
  readonly #control: Control | undefined;
  readonly #routes: Readonly<Record<string, Route>>;
  /** How to write the last records to each reader, and end. */
  readonly #followers = new Set<() => void>();
  #readers = 0;

  /** @param control acts for the page; undefined: nothing may be done */
  constructor(recorder: Recorder, control: Control | undefined) {
    this.#recorder = recorder;
    this.#control = control;
    this.#routes = {
      'GET /api/stream': this.#reading((request, response) => this.#stream(request, response)),
      'GET /api/snapshot': this.#reading((_request, response) =>
        give(response, 'application/json', recorder.sync(this.control)),
      ),
      'GET /api/export': this.#reading((_request, response) => this.#export(response)),
      [`GET ${PAYLOAD}SEQ`]: this.#reading((_request, response, path) =>
        this.#givePayload(Number(path.slice(PAYLOAD.length)), response),
      ),
      ...(control !== undefined && {
        [`POST ${CONTROL_PATH}`]: (request: IncomingMessage, response: ServerResponse) =>
          act(control, request, response),
      }),
    };
  }

  get control(): boolean {
    return this.#control !== undefined;
  }

  async answer(path: string, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const key = path.replace(/^(\/api\/payload\/)\d{1,15}$/, '$1SEQ');
    const route = this.#routes[`${request.method} ${key}`];
    if (route === undefined) return false;
    await route(request, response, path);
    return true;
  }

  finish(): void {
    for (const finish of [...this.#followers]) finish();
  }

  /** A route that answers with data, of which only so many may be unfinished. */
  #reading(route: Route): Route {
    return (request, response, path) => {
      if (this.#readers >= MAX_READERS) {
        say(response, 429, `${MAX_READERS} readers are connected already. Close another page of the inspector.`);
        return undefined;
      }
      this.#readers += 1;
      response.once('close', () => (this.#readers -= 1));
      return route(request, response, path);
    };
  }

  #givePayload(seq: number, response: ServerResponse): void {
    const found = this.#recorder.journal.payload(seq);
    if (found === undefined) say(response, 404, 'The payload of this event is not kept any more.');
    else give(response, 'application/json', found);
  }

  #stream(request: IncomingMessage, response: ServerResponse): void {
    const { journal } = this.#recorder;
    const given = request.headers['last-event-id'];
    const last = typeof given === 'string' && /^\d{1,15}$/.test(given) ? Number(given) : undefined;
    // The connection ends with the stream: the server would wait for it before it closes.
    const type = 'text/event-stream; charset=utf-8';
    response.writeHead(200, { ...SECURITY_HEADERS, 'content-type': type, connection: 'close' });
    response.flushHeaders();
    const encoding: Encoding = {
      sync: () => {
        const text = this.#recorder.sync(this.control);
        return { text: eventOf('sync', journal.seq, text), seq: journal.seq };
      },
      batch: (records, seq) => eventOf('batch', seq, `[${records.join(',')}]`),
      drop: (from, to) => eventOf('drop', to, JSON.stringify({ from, to })),
    };
    const release = this.#recorder.look();
    // One that has more than there is was not ours.
    const known = last !== undefined && last <= journal.seq ? last : undefined;
    const follower = new Follower(journal, response, encoding, known);
    const end = (): void => {
      follower.close();
      release();
      this.#followers.delete(finish);
    };
    const finish = (): void => {
      follower.flush();
      end();
      response.end();
    };
    this.#followers.add(finish);
    response.once('close', end);
  }

  /** Piece by piece, as fast as it is read. */
  async #export(response: ServerResponse): Promise<void> {
    const lines = [this.#recorder.header(this.control), ...this.#recorder.journal.all()];
    response.writeHead(200, {
      ...SECURITY_HEADERS,
      'content-type': 'application/x-ndjson; charset=utf-8',
      'content-disposition': 'attachment; filename="greenroom-session.ndjson"',
    });
    await pipeline(Readable.from(lines.map((line) => `${line}\n`)), response);
  }
}

async function act(control: Control, request: IncomingMessage, response: ServerResponse): Promise<void> {
  // Of another type, a page from elsewhere could send it unasked.
  if (!/^application\/json\s*(;|$)/.test(request.headers['content-type'] ?? '')) {
    return say(response, 415, 'Send application/json.');
  }
  const body = await readBody(request);
  if (body === undefined) return say(response, 413, 'That is too long.');
  const { status, answer } = control.ask(body);
  give(response, 'application/json', JSON.stringify(answer), status);
}

/** A server-sent event. JSON has no line breaks, so its data is one line. */
function eventOf(event: string, seq: number, data: string): string {
  return `id: ${seq}\nevent: ${event}\ndata: ${data}\n\n`;
}

/**
 * Reads a body; undefined where it is too long, of which no more is read. A Node plugin has a function of its own, which
 * reads on to the end and imports nothing from here.
 */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
