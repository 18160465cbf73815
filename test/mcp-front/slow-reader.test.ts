import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import type { FrontService } from '../../src/mcp-front/front-service.ts';
import { LineStreams } from '../../src/mcp-front/line-stream.ts';
import type { NoticeListener } from '../../src/mcp-front/server-notices.ts';
import type { UpgradeExchange } from '../../src/server/route.ts';
import { endAfterTest } from '../server/served.ts';

const LOG = { level: 'info', data: 'x'.repeat(100_000) };

test('what a server logs for a client that does not read is kept up to a limit, and its answers come all the same', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = connect((server.address() as { port: number }).port, '127.0.0.1');
  const [socket] = await accepted;
  endAfterTest(() => {
    client.destroy();
    socket.destroy();
    server.close();
  });
  let onListening: (listener: NoticeListener) => void = () => {};
  const listening = new Promise<NoticeListener>((resolve) => {
    onListening = resolve;
  });
  const service: FrontService = {
    describe: () => Promise.resolve({ serverInfo: {}, capabilities: {} }),
    listTools: () => Promise.resolve([]),
    callTool: () => Promise.resolve({}),
    onToolsChanged: () => () => {},
    onNotice: (listener) => {
      onListening(listener);
      return () => {};
    },
  };
  const lines = new LineStreams((error) => {
    throw error;
  });
  const request = { headers: { upgrade: 'greenroom-mcp-lines' } };
  lines.serve({ request, socket, head: Buffer.alloc(0) } as unknown as UpgradeExchange, service);
  const say = (message: object): void => void client.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  say({ id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {} } });
  say({ method: 'notifications/initialized' });
  const { tell } = await listening;
  for (let at = 0; at < 1_000; at += 1) tell('notifications/message', LOG);
  expect(socket.writableLength).toBeLessThan(2 * 1024 * 1024);
  tell('notifications/prompts/list_changed', {});
  say({ id: 2, method: 'ping' });
  const heard: string[] = [];
  for await (const line of createInterface({ input: client })) {
    heard.push(line);
    if (line.includes('"id":2')) break;
  }
  expect(heard.filter((line) => line.includes('notifications/message')).length).toBeLessThan(100);
  expect(heard.at(-2)).toContain('notifications/prompts/list_changed');
});
