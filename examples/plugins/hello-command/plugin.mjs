// A Greenroom plugin can be any program that reads a line, listens on a socket and answers HTTP: this is the whole
// worker protocol, with no SDK. Write the same in Go, Rust or a shell of your choice.
import { timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

let config = {};

/** What each request does with its JSON body; what it returns is the JSON answer. */
const routes = {
  'POST /initialize': (body) => ((config = body.config), {}),
  'GET /config': () => config,
  'GET /config_schema': () => null, // the manifest has it
  'POST /execute': ({ kwargs }) => ({ result: { text: `${config.greeting}, ${kwargs.name ?? 'world'}!` } }),
  'POST /cancel': () => ({ outcome: 'unsupported' }),
  'POST /release': () => ({ outcome: 'unsupported' }),
};

// The host's first line says how to serve it. The end of the input says that the host is gone, and so must we be.
const input = createInterface({ input: process.stdin });
input.once('line', (line) => serve(JSON.parse(line)));
input.once('close', () => process.exit());

function serve({ nonce, token, listen, plugin }) {
  routes['GET /health'] = () => ({ status: 'ok', pid: process.pid, name: plugin.name, nonce });
  // The host keeps its connections open, and a call may take hours.
  const patience = { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 };
  const server = createServer(patience, (request, response) => void respond(request, response));

  async function respond(request, response) {
    const answer = (status, value) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    };
    try {
      if (!isHost(request)) return answer(401, { error: { type: 'Unauthorized', message: 'The token is not right.' } });
      const route = routes[`${request.method} ${request.url}`];
      if (!route) return answer(404, { error: { type: 'NotFound', message: `There is no ${request.url}.` } });
      const body = (await request.setEncoding('utf8').toArray()).join('');
      answer(200, await route(body === '' ? {} : JSON.parse(body)));
    } catch (error) {
      answer(500, { error: { type: error.name, message: error.message, stack: error.stack } });
    }
  }

  server.listen(listen.unix ? { path: listen.unix } : { host: listen.tcp, port: 0 }, () => {
    const address = listen.unix ? `unix:${listen.unix}` : `tcp:${listen.tcp}:${server.address().port}`;
    const handshake = {
      greenroom: 1,
      nonce,
      pid: process.pid,
      address,
      control: address,
      sdk: 'none',
      capabilities: [],
    };
    console.log(JSON.stringify({ ...handshake, concurrency: 1 }));
  });

  /** On TCP, web pages can reach us too: they cannot leave out these headers. */
  function isHost({ headers }) {
    const given = Buffer.from(headers.authorization ?? '');
    const wanted = Buffer.from(`Bearer ${token}`);
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return false;
    const fromBrowser =
      headers.origin !== undefined || Object.keys(headers).some((name) => name.startsWith('sec-fetch-'));
    return listen.unix ? true : !fromBrowser && headers.host === `${listen.tcp}:${server.address().port}`;
  }
}
