// Any HTTP server can be a Greenroom plugin. It listens on the port in PORT, and is ready once /health answers with 200.
import { createServer } from 'node:http';

const { PORT = '0', GREETING = 'Hello' } = process.env;

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  if (pathname === '/health') return response.end();
  if (pathname !== '/greet') return response.writeHead(404).end(`There is no ${pathname}.\n`);
  const answer = { text: `${GREETING}, ${searchParams.get('name') ?? 'world'}!` };
  return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
});

server.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
