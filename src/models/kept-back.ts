import type { ServerResponse } from 'node:http';
import { without } from '../proxy/headers.ts';

/** By these a page of a plugin would decide about this server's other pages, as they all have one origin. */
const KEPT_BACK: ReadonlySet<string> = new Set(['service-worker-allowed', 'clear-site-data']);

/** Takes off an answer, once its head is written, the headers that count for the whole origin. */
export function keepBack(response: ServerResponse): void {
  const writeHead = response.writeHead.bind(response) as (...head: unknown[]) => ServerResponse;
  response.writeHead = (...head: unknown[]): ServerResponse => {
    for (const name of KEPT_BACK) response.removeHeader(name);
    return writeHead(
      ...head.map((part) => (Array.isArray(part) ? without(part as string[], (name) => KEPT_BACK.has(name)) : part)),
    );
  };
}
