import type { ServerResponse } from 'node:http';
import { give, say } from '../server/answer.ts';
import type { Front, Route } from '../server/route.ts';

const MAX_EXCHANGES = 64;

/** What the front asks of the daemon. */
export interface StatusParts {
  /** Why no work is taken; undefined where it is. */
  notReady(): string | undefined;
  /** The metrics as text, with their media type. */
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  readonly version: string;
  /** Writes down why a request could not be answered. */
  onError(error: unknown): void;
}

/** How the daemon is, for whoever watches it: `/healthz`, `/readyz`, `/metrics`, and a word at `/`. */
export function statusFront({ notReady, metrics, version, onError }: StatusParts): Front {
  const open = (path: string, answer: (response: ServerResponse) => void | Promise<void>): Route => ({
    method: 'GET',
    path,
    access: 'open',
    handle: ({ response }) => answer(response),
  });
  return {
    prefixes: ['/'],
    routes: [
      open('/', (response) =>
        give(
          response,
          'text/plain; charset=utf-8',
          `Greenroom ${version}. The interface is at /api; /api/openapi.json describes it.\n`,
        ),
      ),
      // That this is answered at all is what it says.
      open('/healthz', (response) => give(response, 'text/plain; charset=utf-8', 'ok\n')),
      open('/readyz', (response) => {
        const reason = notReady();
        if (reason === undefined) give(response, 'text/plain; charset=utf-8', 'ready\n');
        else say(response, { status: 503, message: reason, headers: { 'retry-after': '1' } });
      }),
      {
        ...open('/metrics', async (response) => give(response, metrics.contentType, await metrics.text())),
        access: 'token',
      },
    ],
    maxExchanges: MAX_EXCHANGES,
    refuse: say,
    fail(response, error) {
      onError(error);
      say(response, { status: 500, message: 'Greenroom failed to answer. Its log says why.' });
    },
  };
}
