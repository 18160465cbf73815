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

/** A client that reads nothing until it is told to, on a connection of its own. */
async function suspended(unreadMs?: number) {
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
  const onError = (error: unknown): void => {
    throw error;
  };
  const request = { headers: { upgrade: 'greenroom-mcp-lines' } };
  const exchange = { request, socket, head: Buffer.alloc(0) } as unknown as UpgradeExchange;
  new LineStreams(onError, unreadMs).serve(exchange, service);
  const say = (message: object): void => void client.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  say({ id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {} } });
  say({ method: 'notifications/initialized' });
  const { tell } = await listening;
  /** What it reads up to a line that has this in it. */
  const hear = async (last: string): Promise<string[]> => {
    const heard: string[] = [];
    for await (const line of createInterface({ input: client })) {
      heard.push(line);
      if (line.includes(last)) break;
    }
    return heard;
  };
  return { socket, say, tell, hear };
}

test('what a server logs for a client that does not read is kept up to a limit, and its answers come all the same', async () => {
  const { socket, say, tell, hear } = await suspended();
  for (let at = 0; at < 1_000; at += 1) tell('notifications/message', LOG);
  expect(socket.writableLength).toBeLessThan(2 * 1024 * 1024);
  say({ id: 2, method: 'ping' });
  const heard = await hear('were left out');
  const logs = heard.filter((line) => line.includes(LOG.data));
  expect(logs.length).toBeLessThan(100);
  const { params } = JSON.parse(heard.at(-1) ?? '');
  expect(params).toMatchObject({ level: 'info', logger: 'greenroom' });
  expect(params.data).toContain(`${1_000 - logs.length} messages were left out`);
});

test('a client that does not read is told once of what has changed again and again', async () => {
  const { socket, tell, hear } = await suspended();
  for (let at = 0; at < 100; at += 1) tell('notifications/message', LOG);
  const behind = socket.writableLength;
  for (let at = 0; at < 100_000; at += 1) {
    tell('notifications/prompts/list_changed', {});
    tell('notifications/resources/updated', { uri: `x:${at % 3}`, at });
    tell('notifications/elicitation/complete', { elicitationId: String(at) });
  }
  expect(socket.writableLength).toBe(behind);
  const heard = await hear('were left out');
  const count = (text: string): number => heard.filter((line) => line.includes(text)).length;
  expect(count('prompts/list_changed')).toBe(1);
  expect(heard.filter((line) => line.includes('resources/updated')).map((line) => JSON.parse(line).params.at)).toEqual(
    expect.arrayContaining([99_997, 99_998, 99_999]),
  );
  expect(count('resources/updated')).toBe(3);
  expect(count('elicitation/complete')).toBeLessThan(1_000);
});

test('the connection of a client that reads nothing for long is ended', async () => {
  const { socket, tell } = await suspended(20);
  const closed = once(socket, 'close');
  for (let at = 0; at < 1_000; at += 1) tell('notifications/message', LOG);
  await closed;
});
