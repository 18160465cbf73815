import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CONTROL_PATH, createToken, type Door, refusalOf } from './access.ts';
import type { Control } from './control.ts';
import { type Encoding, Follower } from './follower.ts';
import { readPageFile } from './page-files.ts';
import type { Recorder } from './recorder.ts';

/** What the server is made of. */
export interface ServerOptions {
  readonly recorder: Recorder;
  /** Acts for the page; undefined: nothing may be done. */
  readonly control: Control | undefined;
  /** 0: any that is free. */
  readonly port: number;
  /** Where the files of the page lie. */
  readonly folder: string;
}

/** How many answers with data may be unfinished at once: each may hold a whole sync for a client that does not read. */
const MAX_READERS = 8;
const MAX_CONNECTIONS = 64;
/** How long the last of the answers may take when the server is closed, in milliseconds. */
const CLOSE_MS = 500;
/** The longest body of a request, in bytes. */
const MAX_BODY = 4_096;

/** What the page needs of itself, and nothing from anywhere else. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/** The inspector's server: the page to anybody on this machine, data and actions to who has the token. */
export class InspectorServer {
  readonly #options: ServerOptions;
  readonly #server: Server;
  readonly #token = createToken();
  /** How to write the last records to those who read, and end. */
  readonly #followers = new Set<() => void>();
  #door: Door | undefined;
  #readers = 0;

  private constructor(options: ServerOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.maxConnections = MAX_CONNECTIONS;
    // Whether the program may end is not for those who watch it to decide.
    this.#server.unref();
    this.#server.on('connection', (socket) => socket.unref());
  }

  /** Listens on 127.0.0.1. Rejects with what the system says, for example that the port is taken. */
  static async listen(options: ServerOptions): Promise<InspectorServer> {
    const own = new InspectorServer(options);
    const server = own.#server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port, '127.0.0.1', () => {
        server.off('error', reject);
        resolve();
      });
    });
    const { port } = server.address() as AddressInfo;
    own.#door = { host: `127.0.0.1:${port}`, token: own.#token, control: options.control !== undefined };
    return own;
  }

  /** The address of the page. The token is in its fragment, which browsers send to no server. */
  get url(): string {
    return `http://${this.#door?.host ?? ''}/#token=${this.#token}`;
  }

  /** Ends every connection; who reads gets what was recorded up to now. Resolves when nothing is left. */
  async close(): Promise<void> {
    for (const finish of [...this.#followers]) finish();
    const timer = setTimeout(() => this.#server.closeAllConnections(), CLOSE_MS);
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    clearTimeout(timer);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#route(request, response);
    } catch {
      // The client has gone, or sends what is no request.
      if (response.headersSent) response.destroy();
      else say(response, 500, 'The inspector could not answer.');
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { recorder, control } = this.#options;
    const [path = ''] = (request.url ?? '').split('?');
    const refusal = this.#door === undefined ? undefined : refusalOf(request, path, this.#door);
    if (refusal !== undefined) return say(response, refusal.status, refusal.message);
    if (!path.startsWith('/api/')) return this.#givePage(path, response);
    if (control !== undefined && path === CONTROL_PATH) return this.#act(control, request, response);
    const payload = /^\/api\/payload\/(\d{1,15})$/.exec(path)?.[1];
    const isKnown = payload !== undefined || ['/api/stream', '/api/snapshot', '/api/export'].includes(path);
    if (!isKnown) return say(response, 404, 'There is nothing here.');
    if (this.#readers >= MAX_READERS) {
      return say(response, 503, `${MAX_READERS} readers are connected already. Close a page of the inspector.`);
    }
    this.#readers += 1;
    response.once('close', () => (this.#readers -= 1));
    if (path === '/api/stream') return this.#stream(request, response);
    if (path === '/api/export') return this.#export(response);
    if (payload === undefined) return give(response, 'application/json', recorder.sync(control !== undefined));
    const found = recorder.journal.payload(Number(payload));
    if (found === undefined) return say(response, 404, 'It is not remembered any more.');
    give(response, 'application/json', found);
  }

  async #givePage(path: string, response: ServerResponse): Promise<void> {
    const file = await readPageFile(this.#options.folder, path);
    if (file === undefined) say(response, 404, 'There is nothing here.');
    else give(response, file.type, file.content);
  }

  #stream(request: IncomingMessage, response: ServerResponse): void {
    const { recorder, control } = this.#options;
    const { journal } = recorder;
    const given = request.headers['last-event-id'];
    const last = typeof given === 'string' && /^\d{1,15}$/.test(given) ? Number(given) : undefined;
    // When the stream is over, so is its connection, which the end of the server would else wait for.
    const type = 'text/event-stream; charset=utf-8';
    response.writeHead(200, { ...SECURITY_HEADERS, 'content-type': type, connection: 'close' });
    response.flushHeaders();
    const encoding: Encoding = {
      sync: () => {
        const text = recorder.sync(control !== undefined);
        return { text: eventOf('sync', journal.seq, text), seq: journal.seq };
      },
      batch: (records, seq) => eventOf('batch', seq, `[${records.join(',')}]`),
      drop: (from, to) => eventOf('drop', to, JSON.stringify({ from, to })),
    };
    const release = recorder.look();
    // One that has more than there is was not ours.
    const follower = new Follower(
      journal,
      response,
      encoding,
      last !== undefined && last <= journal.seq ? last : undefined,
    );
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
    const { recorder, control } = this.#options;
    const lines = [recorder.header(control !== undefined), ...recorder.journal.all()];
    response.writeHead(200, {
      ...SECURITY_HEADERS,
      'content-type': 'application/x-ndjson; charset=utf-8',
      'content-disposition': 'attachment; filename="greenroom-session.ndjson"',
    });
    await pipeline(Readable.from(lines.map((line) => `${line}\n`)), response);
  }

  async #act(control: Control, request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Of another type, a page from elsewhere could send it unasked.
    if (!/^application\/json\s*(;|$)/.test(request.headers['content-type'] ?? '')) {
      return say(response, 415, 'Send application/json.');
    }
    const body = await readBody(request);
    if (body === undefined) return say(response, 413, 'That is too long.');
    const { status, answer } = control.ask(body);
    give(response, 'application/json', JSON.stringify(answer), status);
  }
}

/** A server-sent event. JSON has no line breaks, so its data is one line. */
function eventOf(event: string, seq: number, data: string): string {
  return `id: ${seq}\nevent: ${event}\ndata: ${data}\n\n`;
}

function give(response: ServerResponse, type: string, content: string | Buffer, status = 200): void {
  response.writeHead(status, {
    ...SECURITY_HEADERS,
    'content-type': type,
    'content-length': Buffer.byteLength(content),
  });
  response.end(content);
}

function say(response: ServerResponse, status: number, message: string): void {
  // What was not read of a request would be taken for the next one.
  response.setHeader('connection', 'close');
  give(response, 'text/plain; charset=utf-8', `${message}\n`, status);
}

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
