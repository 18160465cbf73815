import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createToken, type Door, refusalOf } from './access.ts';
import { give, say } from './answer.ts';
import { readPageFile } from './page-files.ts';

/** What the page shows: a running supervisor, or a session of one. */
export interface Api {
  /** Whether plugins may be acted on. */
  readonly control: boolean;
  /** Answers a request for a path below `/api/` that was let in. Returns false where there is nothing. */
  answer(path: string, request: IncomingMessage, response: ServerResponse): boolean | Promise<boolean>;
  /** Ends the answers that would go on; who reads them gets what there is up to now. */
  finish(): void;
}

/** What the server is made of. */
export interface ServerOptions {
  readonly api: Api;
  /** 0: any that is free. */
  readonly port: number;
  /** Where the files of the page lie; by default in this package. */
  readonly folder?: string | undefined;
}

const MAX_CONNECTIONS = 64;
/** How long the last of the answers may take when the server is closed, in milliseconds. */
const CLOSE_MS = 500;

/** The inspector's server: the page to anybody on this machine, data and actions only with the token. */
export class InspectorServer {
  readonly #api: Api;
  readonly #folder: string;
  readonly #server: Server;
  readonly #token = createToken();
  #door: Door | undefined;

  private constructor({ api, folder = fileURLToPath(new URL('../ui/', import.meta.url)) }: ServerOptions) {
    this.#api = api;
    this.#folder = folder;
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.maxConnections = MAX_CONNECTIONS;
    // The inspector does not keep the program from ending.
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
    own.#door = { host: `127.0.0.1:${port}`, token: own.#token, control: options.api.control };
    return own;
  }

  /** The address of the page. The token is in its fragment, which browsers send to no server. */
  get url(): string {
    return `http://${this.#door?.host ?? ''}/#token=${this.#token}`;
  }

  /** Ends every connection; who reads gets what there is up to now. Resolves when nothing is left. */
  async close(): Promise<void> {
    this.#api.finish();
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
    const [path = ''] = (request.url ?? '').split('?');
    const refusal = this.#door === undefined ? undefined : refusalOf(request, path, this.#door);
    if (refusal !== undefined) return say(response, refusal.status, refusal.message);
    const isThere = await (path.startsWith('/api/')
      ? this.#api.answer(path, request, response)
      : this.#givePage(path, response));
    if (!isThere) say(response, 404, 'There is nothing here.');
  }

  async #givePage(path: string, response: ServerResponse): Promise<boolean> {
    const file = await readPageFile(this.#folder, path);
    if (file !== undefined) give(response, file.type, file.content);
    return file !== undefined;
  }
}
