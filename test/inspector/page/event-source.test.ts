import { expect, test } from 'vitest';
import { apiFront } from '../../../src/api/api-front.ts';
import { Tickets } from '../../../src/server/tickets.ts';
import { endAfterTest, serve } from '../../server/served.ts';
import { openBench } from '../bench.ts';
import { CHROMIUM, openPage, useBrowser } from './browser.ts';

const TOKEN = 'the-token-of-the-tests';

if (CHROMIUM !== undefined) useBrowser();

test.runIf(CHROMIUM !== undefined)('a page of an allowed origin gets a ticket, and reads events with it', async () => {
  const page: Parameters<typeof serve>[0] = [
    {
      handle: ({ response }) =>
        void response.setHeader('content-type', 'text/html').end('<!doctype html><link rel="icon" href="data:,">'),
    },
  ];
  const { port: own } = await serve(page);
  const { supervisor } = await openBench();
  const tickets = new Tickets();
  const jobs = () => Promise.reject(new Error('This test has none.'));
  const front = apiFront(supervisor, {
    version: '1',
    tickets,
    daemon: () => ({}),
    fleet: () => undefined,
    jobs,
    stop() {},
    onError() {},
  });
  endAfterTest(() => front.close());
  const allowOrigins = [`http://127.0.0.1:${own}`];
  const { port } = await serve(front, { token: () => TOKEN, tickets, allowOrigins });
  const opened = await openPage(`http://127.0.0.1:${own}/`);
  const names = await opened.evaluate(
    async ([url, token]) => {
      const answer = await fetch(`${url}/api/tickets`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
      });
      const { ticket } = (await answer.json()) as { ticket: string };
      const events = new EventSource(`${url}/api/events?ticket=${ticket}`);
      const data = await new Promise<string>((resolve, reject) => {
        events.addEventListener('snapshot', (event) => resolve((event as MessageEvent<string>).data));
        events.addEventListener('error', () => reject(new Error('The stream has failed.')));
      });
      events.close();
      return (JSON.parse(data) as { plugins: { name: string }[] }).plugins.map(({ name }) => name);
    },
    [`http://127.0.0.1:${port}`, TOKEN] as const,
  );
  expect(names).toEqual(['bench']);
});
