// @ts-check
import { createServer, request } from 'node:http';

/**
 * A proxy that adds the token, as the suite cannot send one. What names the proxy is made to name the server; other
 * values of Host and Origin pass as they are, as scenarios are about them.
 *
 * @param {number} port of the server
 * @param {string} token
 */
export async function withToken(port, token) {
  const server = createServer((incoming, response) => {
    const own = `:${/** @type {any} */ (server.address()).port}`;
    const named = (/** @type {string | undefined} */ value) =>
      value?.endsWith(own) === true ? `${value.slice(0, -own.length)}:${port}` : value;
    const headers = { ...incoming.headers, authorization: `Bearer ${token}`, host: named(incoming.headers.host) };
    if (headers.origin !== undefined) headers.origin = named(headers.origin);
    const { method, url: path } = incoming;
    const outgoing = request({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      answer.pipe(response).on('close', () => answer.destroy());
    });
    outgoing.on('error', () => response.destroy());
    response.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  return {
    port: /** @type {import('node:net').AddressInfo} */ (server.address()).port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
