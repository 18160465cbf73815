// Run it in this folder: node --test. It starts the server and talks to it as a client of MCP does, and needs no Greenroom.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';

let server, answers;
let id = 0;

before(async () => {
  const env = { ...process.env, GREETING: 'Servus' };
  server = spawn('node', ['server.mjs'], { cwd: import.meta.dirname, env, stdio: ['pipe', 'pipe', 'inherit'] });
  answers = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
  const clientInfo = { name: 'test', version: '1.0.0' };
  const { result } = await ask('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo });
  assert.equal(result.protocolVersion, '2025-06-18');
  send({ method: 'notifications/initialized' });
});

after(async () => {
  const exited = once(server, 'exit');
  server.stdin.end();
  await exited;
});

function send(message) {
  server.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

async function ask(method, params) {
  id += 1;
  send({ id, method, params });
  const { value } = await answers.next();
  const answer = JSON.parse(value);
  assert.equal(answer.id, id);
  return answer;
}

async function call(name, given) {
  const { result, error } = await ask('tools/call', { name, arguments: given });
  return result === undefined ? error.message : result.content[0].text;
}

test('lists its tools, with what each takes', async () => {
  const { result } = await ask('tools/list');
  assert.deepEqual(
    result.tools.map(({ name }) => name),
    ['greet'],
  );
  assert.equal(result.tools[0].inputSchema.additionalProperties, false);
});

test('greets by name, and the world without one', async () => {
  assert.equal(await call('greet', { name: 'Ada' }), 'Servus, Ada!');
  assert.equal(await call('greet', {}), 'Servus, world!');
});

test('says what is wrong with a call', async () => {
  assert.equal(await call('greet', { name: 1 }), '"name" must be a string.');
  assert.equal(await call('other', {}), 'There is no tool "other".');
  assert.equal((await ask('other')).error.code, -32601);
});
