import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { folder, greenroom, start } from '../cli/command-line.ts';

const SERVER = fileURLToPath(new URL('../fixtures/models/server.mjs', import.meta.url));
const BODY = '{"model":"a","messages":[{"role":"user","content":"hello"}]}';

/** The status of a request on a socket of the file system. */
function statusOn(socketPath: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: '/v1/chat/completions', method: 'POST', agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on('error', reject).end(BODY);
  });
}

async function serve(env: Record<string, string>, use: (socket: string, url: string) => Promise<void>): Promise<void> {
  const plugins = join(folder, 'models');
  mkdirSync(plugins, { recursive: true });
  const manifest = { name: 'a', worker: 'http', command: process.execPath, args: [SERVER], models: ['a'] };
  writeFileSync(join(plugins, 'a.json'), JSON.stringify(manifest));
  const args = ['serve', '--json', '--listen', '127.0.0.1:0', '--search-path', plugins];
  const { child, ended } = start(args, { env });
  try {
    const line = await new Promise<string>((resolve) =>
      child.stdout?.once('data', (data: Buffer) => resolve(data.toString())),
    );
    const { socket, url } = JSON.parse(line) as { socket: string; url: string };
    await use(socket, url);
  } finally {
    child.kill();
    await ended;
  }
}

const statusAt = async (url: string, headers: Record<string, string>): Promise<number> => {
  const { status } = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body: BODY });
  return status;
};

test('the token of the daemon opens the models on TCP, and the socket needs none', async () => {
  await serve({}, async (socket, url) => {
    const token = (await greenroom('token')).stdout.trim();
    expect(await statusOn(socket)).toBe(200);
    expect(await statusAt(url, {})).toBe(401);
    expect(await statusAt(url, { authorization: `Bearer ${token}` })).toBe(200);
    expect(await statusAt(url, { 'x-api-key': token })).toBe(200);
  });
});

test('keys of the settings open the models in its place', async () => {
  await serve({ GREENROOM_API_KEYS: 'one,two' }, async (socket, url) => {
    const token = (await greenroom('token')).stdout.trim();
    expect(await statusOn(socket)).toBe(200);
    expect(await statusAt(url, { authorization: `Bearer ${token}` })).toBe(401);
    expect(await statusAt(url, { 'x-api-key': 'two' })).toBe(200);
    // A key opens nothing else.
    expect((await fetch(`${url}/api/plugins`, { headers: { authorization: 'Bearer one' } })).status).toBe(401);
  });
});
