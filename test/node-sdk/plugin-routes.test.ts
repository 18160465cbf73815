import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { CallTable } from '../../src/node-sdk/call-table.ts';
import { readBody } from '../../src/node-sdk/http-answers.ts';
import { PluginCalls } from '../../src/node-sdk/plugin-calls.ts';
import { createPluginRoutes } from '../../src/node-sdk/plugin-routes.ts';
import { RunningCalls } from '../../src/node-sdk/running-calls.ts';
import { eventuallyTrue } from '../eventually.ts';

/** Serves on a free port until the test ends; gives how to post there. */
async function serve(listener: RequestListener): Promise<(path: string, body: string) => Promise<unknown>> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return async (path, body) => (await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', body })).json();
}

test('a call that is cancelled while its worker still starts does not reach the plugin', async () => {
  const table = new CallTable(2);
  const running = new RunningCalls(table);
  let started = (): void => {};
  const control = new Promise<void>((resolve) => {
    started = resolve;
  });
  const execute = vi.fn<() => string>(() => 'a result');
  const plugin = { name: 'x', execute };
  const routes = createPluginRoutes({ plugin, calls: new PluginCalls({ plugin, running, control }) });
  const post = await serve((request, response) => void routes(request, response));
  await post('/initialize', '{"config":{}}');
  const answer = post('/execute', '{"call":"c"}');
  const [entry] = await eventuallyTrue(() => {
    const entries = table.cancel('c');
    return entries.length > 0 && entries;
  });
  running.abort(entry!);
  started();
  expect(await answer).toMatchObject({ error: { message: 'The call was cancelled.' } });
  expect(execute).not.toHaveBeenCalled();
  expect(await post('/execute', '{"call":"c"}')).toEqual({ result: 'a result' });
});

test('a body that is too long is read to its end, and its sender told', async () => {
  const post = await serve((request, response) => {
    readBody(request, 1_000).then(
      (text) => response.end(JSON.stringify(text.length)),
      (error: unknown) => response.end(JSON.stringify(String(error))),
    );
  });
  expect(await post('/', 'x'.repeat(1_000))).toBe(1_000);
  expect(await post('/', 'x'.repeat(1_000_000))).toBe(
    'BadRequest: The body has 1000000 bytes, and at most 1000 are taken: pass large values as files.',
  );
});
