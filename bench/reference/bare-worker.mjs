// @ts-check
// The least that a worker in Node can be: listens on a Unix socket, says so, answers.
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  if (request.url === '/health') {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"ok"}');
    return;
  }
  /** @type {Buffer[]} */
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    if (request.url === '/bytes') {
      const bytes = Buffer.concat(chunks);
      response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes.length });
      response.end(bytes);
      return;
    }
    const { kwargs } = JSON.parse(Buffer.concat(chunks).toString());
    if (request.url === '/stream') {
      void stream(kwargs.count, response);
      return;
    }
    const body = Buffer.from(JSON.stringify({ result: kwargs }));
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    response.end(body);
  });
});
server.keepAliveTimeout = 0;
server.listen(process.argv[2], () => console.log('ready'));
process.stdin.resume().on('end', () => process.exit());

/** Sends lines of JSON, 64 a write. @param {number} count @param {import('node:http').ServerResponse} response */
async function stream(count, response) {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  let text = '';
  for (let index = 0; index < count; index += 1) {
    text += `${JSON.stringify({ chunk: { index } })}\n`;
    if (index % 64 !== 63) continue;
    if (!response.write(text)) await new Promise((resolve) => response.once('drain', resolve));
    text = '';
  }
  response.end(`${text}{"end":true}\n`);
}
