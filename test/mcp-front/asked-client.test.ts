import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { AskedClient } from '../../src/mcp-front/asked-client.ts';
import type { Loose } from '../api/opened.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const never = new AbortController().signal;

/** A client that is asked, and what it was sent. */
function open(isThere = true) {
  const sent: Loose[] = [];
  const client = new AskedClient((message) => {
    sent.push(message);
    return isThere;
  }, 60_000);
  return { client, sent };
}

test('questions of two servers with the same id and token have others of their own, and each gets its answer', async () => {
  const { client, sent } = open();
  const told: unknown[] = [];
  const options = { signal: never, onProgress: (progress: unknown) => void told.push(progress) };
  const asked = ['a', 'b'].map((name) => client.ask('roots/list', { name, _meta: { progressToken: 1 } }, options));
  const [a, b] = sent;
  expect(new Set([a?.id, b?.id]).size).toBe(2);
  expect(sent.map(({ id, params }) => params['_meta'].progressToken === id)).toEqual([true, true]);
  client.progress({ progressToken: b?.id, progress: 1 });
  expect(told).toEqual([{ progress: 1 }]);
  client.take({ jsonrpc: '2.0', id: b?.id, result: { of: 'b' } });
  client.take({ jsonrpc: '2.0', id: a?.id, error: { code: -1, message: 'no', data: 7 } });
  await expect(asked[0]).rejects.toMatchObject({ code: -1, message: 'no', data: 7 });
  expect(await asked[1]).toEqual({ of: 'b' });
  expect(vi.getTimerCount()).toBe(0);
});

test('a client that does not answer in time is told so, and its answer is passed over', async () => {
  const { client, sent } = open();
  const asked = client.ask('roots/list', {}, { signal: never });
  const refused = expect(asked).rejects.toMatchObject({ code: -32603, message: expect.stringContaining('60 s') });
  vi.advanceTimersByTime(60_000);
  await refused;
  expect(sent[1]).toMatchObject({ method: 'notifications/cancelled', params: { requestId: sent[0]?.id } });
  client.take({ jsonrpc: '2.0', id: sent[0]?.id, result: {} });
});

test('a client that has gone, or reads nothing, or has too much to answer, is waited for no more', async () => {
  const { client } = open();
  const all = Array.from({ length: 100 }, () => client.ask('roots/list', {}, { signal: never }));
  await expect(client.ask('roots/list', {}, { signal: never })).rejects.toMatchObject({ code: -32603 });
  const refused = all.map((asked) => expect(asked).rejects.toThrow('The client has gone.'));
  client.close();
  await Promise.all(refused);
  await expect(open(false).client.ask('roots/list', {}, { signal: never })).rejects.toThrow('no stream');
  expect(vi.getTimerCount()).toBe(0);
});
