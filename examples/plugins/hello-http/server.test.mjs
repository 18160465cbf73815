// Run it in this folder: node --test. It starts the server, and needs no Greenroom.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';

let server, address;

before(async () => {
  const env = { ...process.env, PORT: '0', GREETING: 'Servus' };
  server = spawn('node', ['server.mjs'], { cwd: import.meta.dirname, env, stdio: ['ignore', 'pipe', 'inherit'] });
  // Its first line says where it listens.
  [address] = await once(createInterface({ input: server.stdout }), 'line');
});

after(async () => {
  const exited = once(server, 'exit');
  server.kill();
  await exited;
});

test('says that it is ready', async () => {
  assert.equal((await fetch(`${address}/health`)).status, 200);
});

test('greets by name, and the world without one', async () => {
  assert.deepEqual(await (await fetch(`${address}/greet?name=Ada`)).json(), { text: 'Servus, Ada!' });
  assert.deepEqual(await (await fetch(`${address}/greet`)).json(), { text: 'Servus, world!' });
});

test('knows no other path', async () => {
  assert.equal((await fetch(`${address}/other`)).status, 404);
});
