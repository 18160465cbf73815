// @ts-check
// node proxy.mjs KIND [ORIGIN]: one proxy, or the server behind it, in a process of its own; sends its port.
import { Agent, request as ask, createServer } from 'node:http';

const [kind = '', origin = ''] = process.argv.slice(2);

/** @type {Record<string, () => Promise<import('node:http').RequestListener>>} */
const LISTENERS = {
  server: async () => (request, response) => {
    if (request.url === '/small') response.end('{"answer":"short"}');
    else if (request.url === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const more = setTimeout(() => response.end('data: 2\n\n'), 5);
      response.write('data: 1\n\n');
      response.once('close', () => clearTimeout(more));
    } else if (request.url?.startsWith('/down/') === true) sendBytes(response, Number(request.url.slice(6)));
    else {
      let length = 0;
      request.on('data', (chunk) => (length += chunk.length));
      request.on('end', () => response.end(String(length)));
    }
  },
  ours: async () => {
    const { forward } = await import('../../dist/proxy/forward.js');
    const { openUpstream } = await import('../../dist/proxy/upstream.js');
    const upstream = openUpstream({ address: origin });
    return (request, response) => void forward(request, response, upstream);
  },
  'http-proxy-3': async () => {
    const { createProxyServer } = await import('http-proxy-3');
    const proxy = createProxyServer({ target: origin, agent: new Agent({ keepAlive: true }), xfwd: true });
    return (request, response) => proxy.web(request, response);
  },
  'by-hand': async () => {
    const agent = new Agent({ keepAlive: true });
    const { hostname, port } = new URL(origin);
    return (request, response) => {
      const { connection: _, ...headers } = request.headers;
      const further = { 'x-forwarded-for': request.socket.remoteAddress, 'x-forwarded-host': headers.host };
      const asked = ask({
        agent,
        hostname,
        port,
        method: request.method,
        path: request.url,
        headers: { ...headers, ...further, 'x-forwarded-proto': 'http' },
      });
      asked.on('response', (answer) => {
        const { connection: _, 'keep-alive': __, 'transfer-encoding': ___, ...passed } = answer.headers;
        response.writeHead(answer.statusCode ?? 502, passed);
        response.flushHeaders();
        answer.pipe(response);
      });
      asked.on('error', () => response.destroy());
      response.on('close', () => response.writableFinished || asked.destroy());
      request.pipe(asked);
    };
  },
};

/** @param {import('node:http').ServerResponse} response @param {number} count */
function sendBytes(response, count) {
  const chunk = Buffer.alloc(64 * 1024);
  let left = count;
  const more = () => {
    while (left > 0) {
      left -= chunk.length;
      if (!response.write(chunk)) return void response.once('drain', more);
    }
    response.end();
  };
  more();
}

const listener = await LISTENERS[kind]?.();
const server = createServer(listener).listen(0, '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  process.send?.(port);
});
server.keepAliveTimeout = 60_000;
process.once('disconnect', () => process.exit(0));
