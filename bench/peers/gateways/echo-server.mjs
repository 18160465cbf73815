// @ts-check
// A server of MCP that says its input again: on standard streams, or, with --http, bare and by Streamable HTTP.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

const INFO = { capabilities: { tools: {} }, serverInfo: { name: 'echo', version: '1.0.0' } };

/** @param {any} request @returns {object} */
function answerTo({ id, method, params = {} }) {
  const given = params.arguments ?? {};
  /** @type {Record<string, () => object>} */
  const results = {
    initialize: () => ({ protocolVersion: params.protocolVersion, ...INFO }),
    ping: () => ({}),
    'tools/list': () => ({ tools: [{ name: 'echo', inputSchema: { type: 'object' } }] }),
    'tools/call': () => ({
      content: [{ type: 'text', text: given.pid === true ? String(process.pid) : String(given.text) }],
    }),
  };
  const result = results[method];
  if (result === undefined) return { jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } };
  return { jsonrpc: '2.0', id, result: result() };
}

if (process.argv.includes('--http')) {
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk) => void (body += chunk));
    request.once('end', () => {
      const message = JSON.parse(body);
      if (message.id === undefined) return void response.writeHead(202).end();
      response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': '1' });
      response.end(JSON.stringify(answerTo(message)));
    });
  });
  server.listen(Number(process.env['PORT']), '127.0.0.1');
} else {
  createInterface({ input: process.stdin }).on('line', (line) => {
    const message = JSON.parse(line);
    if (message.id !== undefined && message.method !== undefined)
      process.stdout.write(`${JSON.stringify(answerTo(message))}\n`);
  });
}
