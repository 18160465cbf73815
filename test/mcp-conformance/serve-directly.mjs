// @ts-check
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import {
  createMcpHandler,
  hostHeaderValidationResponse,
  isLegacyRequest,
  localhostAllowedHostnames,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import { conformanceServer } from '../fixtures/mcp/conformance/server.mjs';

/** @typedef {import('node:http').IncomingMessage} IncomingMessage */
/** @typedef {import('node:http').ServerResponse} ServerResponse */

/**
 * The server of the suite as the official SDK serves it by Streamable HTTP, in both eras. Resolves to its port, and how to
 * end it.
 */
export async function serveDirectly() {
  const modern = createMcpHandler(() => conformanceServer(modern.notify), { legacy: 'reject' });
  /** @type {Map<string, WebStandardStreamableHTTPServerTransport>} */
  const sessions = new Map();

  /** @param {Request} request */
  async function answer(request) {
    const refused = hostHeaderValidationResponse(request, localhostAllowedHostnames());
    if (refused !== undefined) return refused;
    if (request.method === 'POST' && !(await isLegacyRequest(request.clone()))) return modern.fetch(request);
    const id = request.headers.get('mcp-session-id');
    const known = id === null ? undefined : sessions.get(id);
    if (known !== undefined) return known.handleRequest(request);
    if (id !== null)
      return Response.json(
        { jsonrpc: '2.0', id: null, error: { code: -32001, message: 'Session not found' } },
        { status: 404 },
      );
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (begun) => void sessions.set(begun, transport),
      onsessionclosed: (ended) => void sessions.delete(ended),
    });
    await conformanceServer().connect(transport);
    return transport.handleRequest(request);
  }

  const server = createServer((incoming, response) => {
    void serve(incoming, response, answer).catch((error) => {
      console.error(error);
      response.destroy();
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    port,
    async close() {
      server.close();
      server.closeAllConnections();
      await modern.close();
      await Promise.all([...sessions.values()].map((transport) => transport.close()));
    },
  };
}

/**
 * @param {IncomingMessage} incoming
 * @param {ServerResponse} response
 * @param {(request: Request) => Promise<Response>} answer
 */
async function serve(incoming, response, answer) {
  const chunks = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const { method = 'GET', url = '/', headers } = incoming;
  const body = method === 'POST' ? Buffer.concat(chunks) : null;
  const request = new Request(`http://${headers.host}${url}`, {
    method,
    headers: /** @type {Record<string, string>} */ (headers),
    body,
    signal: gone.signal,
  });
  const given = await answer(request);
  response.writeHead(given.status, Object.fromEntries(given.headers));
  if (given.body === null) return void response.end();
  Readable.fromWeb(/** @type {any} */ (given.body))
    .on('error', () => response.destroy())
    .pipe(response);
  response.flushHeaders();
}
