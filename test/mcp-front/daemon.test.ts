import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folder, greenroom, start } from '../cli/command-line.ts';
import { FIXTURES } from '../fixtures/plugins.ts';
import { fetchText } from '../server/served.ts';
import { ACCEPT, modernRequest } from './opened.ts';

const { message, headers } = modernRequest('tools/list');

test('a daemon serves MCP on its socket, and on TCP with the token', async () => {
  const plugins = join(folder, 'mcp');
  mkdirSync(plugins, { recursive: true });
  cpSync(join(FIXTURES, 'showcase'), join(plugins, 'showcase'), { recursive: true });
  const { child, ended } = start(['serve', '--json', '--listen', '127.0.0.1:0', '--search-path', plugins]);
  try {
    const line = await new Promise<string>((resolve) =>
      child.stdout?.once('data', (data: Buffer) => resolve(data.toString())),
    );
    const { socket, url } = JSON.parse(line) as { socket: string; url: string };
    const asked = { method: 'POST', headers: { ...ACCEPT, ...headers }, body: JSON.stringify(message) };
    const bySocket = await fetchText({ socketPath: socket }, '/mcp', asked);
    expect(JSON.parse(bySocket.body).result.tools[0].name).toBe('showcase__add');
    const port = Number(new URL(url).port);
    expect((await fetchText({ port }, '/mcp', asked)).status).toBe(401);
    const token = (await greenroom('token')).stdout.trim();
    const authorization = `Bearer ${token}`;
    const byTcp = await fetchText({ port }, '/mcp/showcase', {
      ...asked,
      headers: { ...asked.headers, authorization },
    });
    expect(JSON.parse(byTcp.body).result.tools[0].name).toBe('add');
  } finally {
    child.kill();
    await ended;
  }
});
