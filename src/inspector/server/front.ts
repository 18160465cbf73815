import { fileURLToPath } from 'node:url';
import { give, say } from '../../server/answer.ts';
import { UnreadBody } from '../../server/body.ts';
import { HttpServer } from '../../server/http-server.ts';
import type { Front, Route } from '../../server/route.ts';
import { createToken } from '../../server/token.ts';
import { readPageFile } from './page-files.ts';

/** What the page shows: a running supervisor, or a session of one. */
export interface Api {
  /** What it answers below `/api/`. */
  readonly routes: readonly Route[];
  /** Ends the answers that would go on; who reads them gets what there is up to now. */
  finish(): void;
}

/** The page of the inspector on a server of its own. */
export interface ServedInspector {
  /** The address of the page. The token is in its fragment, which browsers send to no server. */
  readonly url: string;
  /** Ends every connection; who reads gets what there is up to now. Resolves when nothing is left. */
  close(): Promise<void>;
}

const MAX_EXCHANGES = 64;
const PAGE_FOLDER = fileURLToPath(new URL('../ui/', import.meta.url));

/**
 * The inspector as a front: the page to anybody, data and actions only with the token.
 *
 * @param base what its paths begin with: '' or, for example, '/inspector'
 * @param folder where the files of the page lie; by default in this package
 */
export function inspectorFront(api: Api, base = '', folder = PAGE_FOLDER): Front {
  const page: Route = {
    method: 'GET',
    path: `${base}/*`,
    access: 'open',
    async handle({ params, response }) {
      const path = `/${params['*'] ?? ''}`;
      const file = await readPageFile(folder, path);
      if (file === undefined) say(response, { status: 404, message: 'There is nothing here.' });
      else give(response, file.type, file.content);
    },
  };
  return {
    prefixes: [base === '' ? '/' : base],
    routes: [...api.routes.map((route) => ({ ...route, path: base + route.path })), page],
    maxExchanges: MAX_EXCHANGES,
    tokenText: 'Open the inspector by the whole address that the supervisor gave, with what follows the #.',
    refuse: say,
    fail(response, error) {
      if (error instanceof UnreadBody) say(response, error);
      else say(response, { status: 500, message: 'The inspector could not answer.' });
    },
    finish: () => api.finish(),
  };
}

/** Serves the inspector on 127.0.0.1 alone. Rejects with what the system says, for example that the port is taken. */
export async function serveInspector(api: Api, port: number, folder?: string): Promise<ServedInspector> {
  const token = createToken();
  const server = await HttpServer.listen({
    fronts: [inspectorFront(api, '', folder)],
    address: { host: '127.0.0.1', port },
    token: () => token,
    // The inspector does not keep the program from ending.
    unref: true,
  });
  return { url: `http://127.0.0.1:${server.port}/#token=${token}`, close: () => server.close() };
}
