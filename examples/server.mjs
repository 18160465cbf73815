// @ts-check
// A web server in front of plugins: streams what a plugin yields, and cancels the call when the client leaves.
//   node examples/server.mjs [port] [folder of plugins]
//   curl -N http://127.0.0.1:PORT/hello-python -d '{"name":"Ada"}'                                  NDJSON
//   curl -N http://127.0.0.1:PORT/hello-python -d '{}' -H 'accept: text/event-stream'               server-sent events
import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { createSupervisor, GreenroomError } from 'greenroom';

const [port = '0', plugins = fileURLToPath(new URL('plugins', import.meta.url))] = process.argv.slice(2);
const supervisor = await createSupervisor({ searchPaths: [plugins] });

/** @type {Record<string, number>} What a code means to a client; what is not here is a 502. */
const STATUS = { E_UNKNOWN_PLUGIN: 404, E_QUEUE_FULL: 503, E_STOPPING: 503, E_TIMEOUT: 504 };

const FORMATS = {
  ndjson: { type: 'application/x-ndjson', line: (/** @type {unknown} */ value) => `${JSON.stringify(value)}\n` },
  events: { type: 'text/event-stream', line: (/** @type {unknown} */ value) => `data: ${JSON.stringify(value)}\n\n` },
};

/**
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 */
async function answer(request, response) {
  const format = request.headers.accept === 'text/event-stream' ? FORMATS.events : FORMATS.ndjson;
  // Closed is closed: after the last byte there is nothing left to cancel, before it the client is gone.
  const left = new AbortController();
  response.on('close', () => left.abort());
  try {
    const text = (await request.setEncoding('utf8').toArray()).join('');
    const name = decodeURIComponent((request.url ?? '/').slice(1));
    const chunks = supervisor.stream(name, JSON.parse(text || '{}'), { signal: left.signal });
    for await (const chunk of chunks) {
      if (!response.headersSent) response.writeHead(200, { 'content-type': format.type });
      // A client that reads slowly slows the plugin down, and nothing piles up here.
      if (!response.write(format.line({ chunk }))) await once(response, 'drain', { signal: left.signal });
    }
    if (!response.headersSent) response.writeHead(200, { 'content-type': format.type });
    response.end(format.line({ end: true }));
  } catch (error) {
    if (left.signal.aborted) return;
    if (!response.headersSent) response.writeHead(statusOf(error), { 'content-type': format.type });
    const code = error instanceof GreenroomError ? error.code : 'BAD_REQUEST';
    response.end(format.line({ error: { code, message: error instanceof Error ? error.message : String(error) } }));
  }
}

/** @param {unknown} error */
function statusOf(error) {
  if (!(error instanceof GreenroomError) || error.remote?.category === 'input') return 400;
  return STATUS[error.code] ?? 502;
}

const server = createServer((request, response) => void answer(request, response));
server.listen(Number(port), '127.0.0.1', () => {
  const bound = server.address();
  console.log(`http://127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : port}`);
});

// The program ends by itself once nothing is left: the server, and every worker.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    server.close();
    server.closeAllConnections();
    void supervisor.stop();
  });
}
