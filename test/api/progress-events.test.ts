import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { ProgressEvents } from '../../src/api/progress-events.ts';
import { EventStream } from '../../src/server/event-stream.ts';

/** A response, and the client that has begun to read it. */
async function exchanged(): Promise<{ response: ServerResponse; client: IncomingMessage; events: EventStream }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const asked = get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  const answered = once(asked, 'response') as Promise<[IncomingMessage]>;
  const [, response] = (await once(server, 'request')) as [IncomingMessage, ServerResponse];
  const events = new EventStream(response);
  const [client] = await answered;
  return { response, client, events };
}

test('of the progress that comes while its reader is behind, only the newest is told', async () => {
  const { response, client, events } = await exchanged();
  const progress = new ProgressEvents(() => events);
  const message = 'x'.repeat(10_000);
  let most = 0;
  for (let count = 1; count <= 3_000; count += 1) {
    progress.tell({ progress: count, message });
    most = Math.max(most, response.writableLength);
    // The system's own buffers are filled too.
    if (count % 10 === 0) await new Promise(setImmediate);
  }
  expect(most).toBeLessThan(100_000);
  const read = text(client);
  await events.drained();
  progress.flush();
  events.send('result', '1');
  events.end();
  const told = [...(await read).matchAll(/"progress":(\d+)/g)].map(([, count]) => Number(count));
  expect(told).toEqual([...new Set(told)].toSorted((a, b) => a - b));
  expect(told.at(-1)).toBe(3_000);
  expect(told.length).toBeLessThan(3_000);
});

test('what is kept comes before the result', async () => {
  const { client, events } = await exchanged();
  const progress = new ProgressEvents(() => events);
  // The first is more than the buffer holds, so that the others find the reader behind.
  progress.tell({ progress: 0.1, message: 'x'.repeat(100_000) });
  progress.tell({ progress: 0.2, message: 'left out' });
  progress.tell({ progress: 0.3, message: 'kept' });
  progress.flush();
  events.send('result', '1');
  events.end();
  const told = (await text(client)).match(/0\.\d|event: result/g);
  expect(told).toEqual(['0.1', '0.3', 'event: result']);
});
