import { say } from '../../server/answer.ts';
import type { Route } from '../../server/route.ts';

/** How many answers with data may be unfinished at once: each may hold a whole sync for a client that does not read. */
const MAX_READERS = 8;

/** Makes routes that answer with data, of which together only so many may be unfinished. */
export function limitedReaders(): (path: string, handle: Route['handle']) => Route {
  let readers = 0;
  return (path, handle) => ({
    method: 'GET',
    path,
    access: 'token',
    handle: (exchange) => {
      const { response } = exchange;
      if (readers >= MAX_READERS) {
        const message = `${MAX_READERS} readers are connected already. Close another page of the inspector.`;
        return say(response, { status: 429, message });
      }
      readers += 1;
      response.once('close', () => {
        readers -= 1;
      });
      return handle(exchange);
    },
  });
}
