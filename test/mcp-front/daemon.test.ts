import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { expect, test } from 'vitest';
import { folder, greenroom, start, usePlugin } from '../cli/command-line.ts';
import { serve } from '../cli/served-daemon.ts';
import { eventuallyTrue } from '../eventually.ts';
import { FIXTURES } from '../fixtures/plugins.ts';
import { fetchText } from '../server/served.ts';
import { ACCEPT, modernRequest } from './opened.ts';
import { connectTasks } from './opened-tasks.ts';

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

test('a task outlives its client, and a daemon that is killed under it', async () => {
  usePlugin('showcase');
  const door = join(folder, 'door');
  let daemon = await serve(['--listen', '127.0.0.1:0']);
  const token = (await greenroom('token')).stdout.trim();
  const connect = (url = '') => connectTasks(`${url}/mcp`, { authorization: `Bearer ${token}` });
  const first = await connect(daemon.started.url);
  const begun = await first.experimental.tasks
    .callToolStream({ name: 'showcase__wait', arguments: { door, journal: join(folder, 'journal') } }, undefined, {
      task: { ttl: 3_600_000 },
    })
    .next();
  const { task } = begun.value as { task: { taskId: string; createdAt: string } };
  await eventuallyTrue(async () => (await first.experimental.tasks.getTask(task.taskId)).statusMessage === 'waiting');
  daemon.child.kill('SIGKILL');
  await daemon.ended;
  await first.close();
  daemon = await serve(['--listen', '127.0.0.1:0']);
  const { tasks } = (await connect(daemon.started.url)).experimental;
  expect((await tasks.listTasks()).tasks).toMatchObject([
    { taskId: task.taskId, createdAt: task.createdAt, status: 'working', ttl: 3_600_000 },
  ]);
  await eventuallyTrue(async () => (await tasks.getTask(task.taskId)).statusMessage === 'waiting');
  writeFileSync(door, '');
  expect(await tasks.getTaskResult(task.taskId, CallToolResultSchema)).toMatchObject({
    content: [{ type: 'text', text: 'waited' }],
  });
  expect(await tasks.getTask(task.taskId)).toMatchObject({ status: 'completed', createdAt: task.createdAt });
  daemon.child.kill('SIGTERM');
  await daemon.ended;
}, 120_000);
