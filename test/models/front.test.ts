import { once } from 'node:events';
import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { expect, test } from 'vitest';
import { GreenroomError } from '../../src/index.ts';
import { openFront } from './front.ts';

test('a key opens the front as Bearer, x-api-key or Basic, and does not reach the server', async () => {
  const { url } = await openFront({ a: {} }, { keys: ['first', 'second'] });
  const ask = async (headers: Record<string, string>) => fetch(`${url}/v1/audio/voices?model=a`, { headers });
  for (const headers of [
    { authorization: 'Bearer second' },
    { 'x-api-key': 'first' },
    { authorization: `Basic ${Buffer.from('me:first').toString('base64')}` },
  ]) {
    const answer = await ask(headers);
    expect(answer.status).toBe(200);
    const told = (await answer.json()) as { headers: Record<string, string> };
    expect(told.headers).not.toHaveProperty('authorization');
    expect(told.headers).not.toHaveProperty('x-api-key');
  }
  for (const headers of [{}, { authorization: 'Bearer third' }, { 'x-api-key': '' }, { authorization: 'first' }]) {
    const answer = await ask(headers);
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ error: { code: 'invalid_api_key', type: 'authentication_error' } });
  }
});

test('without a key, official clients are told so in their own way', async () => {
  const { url, notes } = await openFront({ a: {} }, { keys: ['first'] });
  const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'wrong' });
  await expect(openai.models.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
  const anthropic = new Anthropic({ baseURL: url, apiKey: 'wrong' });
  await expect(anthropic.models.list()).rejects.toBeInstanceOf(Anthropic.AuthenticationError);
  expect(notes()).toEqual([]);
});

test('everything below /upstream goes to the plugin as it is', async () => {
  const { url } = await openFront({ 'my plugin': { models: [] } }, { keys: ['k'] });
  const headers = { authorization: 'Bearer k' };
  const below = `${url}/upstream/my%20plugin`;
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
    const answer = await fetch(`${below}/a%2Fb/c?x=1&model=other`, { method, headers });
    expect(await answer.json()).toMatchObject({ method, path: '/a%2Fb/c', query: 'x=1&model=other' });
  }
  expect((await fetch(`${below}/`, { headers })).status).toBe(200);
  const unknown = await fetch(`${url}/upstream/my-plugin/`, { headers });
  expect([unknown.status, await unknown.json()]).toMatchObject([404, { error: { code: 'E_UNKNOWN_PLUGIN' } }]);
  expect((await fetch(`${below}/`)).status).toBe(401);
});

test('a WebSocket goes through /upstream', async () => {
  const { url, noted } = await openFront({ a: {} }, { keys: ['k'] });
  const upgrade = async (headers: Record<string, string>) => {
    const asked = request(`${url}/upstream/a/ws?x=1`, {
      headers: { connection: 'Upgrade', upgrade: 'echo', ...headers },
    });
    asked.end();
    return asked;
  };
  const [, socket] = (await once(await upgrade({ 'x-api-key': 'k' }), 'upgrade')) as [unknown, Duplex];
  socket.write('ping');
  expect(String((await once(socket, 'data'))[0])).toBe('ping');
  socket.destroy();
  const { path, headers } = await noted('upgrade');
  expect([path, headers['x-api-key']]).toEqual(['/ws?x=1', undefined]);
  const [refused] = (await once(await upgrade({}), 'response')) as [{ statusCode: number; resume(): void }];
  refused.resume();
  expect(refused.statusCode).toBe(401);
});

test('pages of an origin that is allowed may ask, after a preflight', async () => {
  const origin = 'https://ui.example';
  const { url } = await openFront({ a: {} }, { keys: ['k'], allowOrigins: [origin] });
  const ask = (headers: Record<string, string>, method = 'POST') =>
    fetch(`${url}/v1/chat/completions`, {
      method,
      headers: { origin, ...headers },
      ...(method === 'POST' && { body: '{"model":"b"}' }),
    });
  const preflight = await ask(
    { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type' },
    'OPTIONS',
  );
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-headers')).toBe('authorization,content-type');
  const answer = await ask({ authorization: 'Bearer k' });
  expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([404, origin]);
  expect((await ask({ origin: 'https://other.example' })).status).toBe(403);
});

test('a request for a path or method that is unknown is refused in the dialect of its path', async () => {
  const { url } = await openFront({ a: {} });
  const anthropic = await fetch(`${url}/v1/messages/other`);
  expect([anthropic.status, await anthropic.json()]).toMatchObject([
    404,
    { type: 'error', error: { type: 'not_found_error' } },
  ]);
  const openai = await fetch(`${url}/v1/embeddings`);
  expect([openai.status, await openai.json()]).toMatchObject([405, { error: { type: 'invalid_request_error' } }]);
});

test('a changed manifest counts at the next request', async () => {
  const { opened, url } = await openFront({ a: {} });
  const ask = async (model: string) => (await fetch(`${url}/v1/audio/voices?model=${model}`)).status;
  expect([await ask('a'), await ask('new')]).toEqual([200, 404]);
  const { info } = opened.supervisor.plugin('a');
  opened.write('a', { ...info, models: ['new'] });
  await opened.supervisor.discover();
  expect([await ask('a'), await ask('new')]).toEqual([404, 200]);
});

test('below /upstream, a stream of events that breaks is told as an event on the paths of models alone', async () => {
  const { url } = await openFront({ a: {} });
  const events = await fetch(`${url}/upstream/a/events`);
  await expect(events.text()).rejects.toThrow('terminated');
  const body = '{"stream":true,"messages":[{"content":"cut"}]}';
  const chat = await fetch(`${url}/upstream/a/v1/chat/completions`, { method: 'POST', body });
  expect(await chat.text()).toContain('ended in the middle');
});

test.each([[[]], [['https://ui.example']]])(
  'an answer cannot widen a service worker, or clear what the browser keeps (origins allowed: %j)',
  async (allowOrigins) => {
    const { url } = await openFront({ a: {} }, { allowOrigins });
    for (const path of ['/upstream/a/page', '/v1/audio/voices?model=a']) {
      const { headers } = await fetch(url + path);
      expect(headers.get('x-own')).toBe('kept');
      expect(headers.has('service-worker-allowed') || headers.has('clear-site-data')).toBe(false);
    }
  },
);

test('that the keys cannot be read is written down, and its reason is not told', async () => {
  const keysError = new GreenroomError('E_OPTIONS', '/secret/token has mode 0644');
  const { url } = await openFront({ a: {} }, { keys: ['k'], keysError });
  const answer = await fetch(`${url}/v1/models`, { headers: { 'x-api-key': 'k' } });
  expect([answer.status, await answer.text()]).toMatchObject([500, expect.not.stringContaining('/secret') as string]);
});
