// Run it in this folder: node --test. It talks to the program as Greenroom does: it writes one line, reads one line, and
// sends requests to the address in it. So the program may be written in any language.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';

const token = 'any secret';
let worker, host, port;

before(async () => {
  worker = spawn('node', ['plugin.mjs'], { cwd: import.meta.dirname, stdio: ['pipe', 'pipe', 'inherit'] });
  const start = { nonce: 'any', token, listen: { tcp: '127.0.0.1' }, plugin: { name: 'hello-command' } };
  worker.stdin.write(`${JSON.stringify(start)}\n`);
  const [line] = await once(createInterface({ input: worker.stdout }), 'line');
  [, host, port] = JSON.parse(line).address.split(':');
  await post('/initialize', { config: { greeting: 'Hello' } });
});

after(async () => {
  const exited = once(worker, 'exit');
  worker.stdin.end();
  await exited;
});

/** Sends a request as Greenroom would: `fetch` adds the headers of a web page, which a worker refuses. */
async function post(path, body, authorization = `Bearer ${token}`) {
  const sent = request({ host, port, path, method: 'POST', headers: { authorization } }).end(JSON.stringify(body));
  const [response] = await once(sent, 'response');
  return { status: response.statusCode, body: JSON.parse(await text(response)) };
}

test('greets by name, and the world without one', async () => {
  const greeted = await post('/execute', { kwargs: { name: 'Ada' } });
  assert.deepEqual(greeted, { status: 200, body: { result: { text: 'Hello, Ada!' } } });
  assert.equal((await post('/execute', { kwargs: {} })).body.result.text, 'Hello, world!');
});

test('answers nobody without the token', async () => {
  assert.equal((await post('/execute', { kwargs: {} }, 'Bearer guessed')).status, 401);
});
