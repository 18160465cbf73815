import { get, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import OpenAI from 'openai';
import { expect, test } from 'vitest';
import { eventually } from '../eventually.ts';
import { type FrontOptions, type OpenedFront, openFront } from './front.ts';

/** A stream that waits: what has come of it, in text. */
interface Reading {
  readonly response: IncomingMessage;
  text(): string;
  /** Resolves once the text has this in it. */
  has(part: string): Promise<void>;
  /** Resolves when it has ended, or was broken. */
  readonly ended: Promise<'ended' | 'broken'>;
}

function read(url: string, path: string, content: string): Promise<Reading> {
  const body = JSON.stringify({ model: 'a', stream: true, messages: [{ role: 'user', content }] });
  return new Promise((resolve, reject) => {
    const asked = request(url + path, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json' },
    });
    asked.on('error', reject).on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      const ended = new Promise<'ended' | 'broken'>((settle) => {
        response.on('end', () => settle('ended')).on('error', () => settle('broken'));
      });
      const has = (part: string): Promise<void> => eventually(() => expect(text).toContain(part), { interval: 5 });
      resolve({ response, text: () => text, has, ended });
    });
    asked.end(body);
  });
}

const COMMENT = ': waiting\n\n';

const waitingFront = (manifest: Record<string, unknown> = {}, options: FrontOptions = {}): Promise<OpenedFront> =>
  openFront({ a: manifest }, { door: true, ...options });

test('a stream that waits has its head and a comment, and then the answer as it comes', async () => {
  const { url, openDoor } = await waitingFront();
  const stream = await read(url, '/v1/chat/completions', 'hello');
  expect(stream.response.statusCode).toBe(200);
  expect(stream.response.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'x-request-id': expect.stringMatching(/^req_/) as string,
  });
  await stream.has(COMMENT);
  openDoor();
  expect(await stream.ended).toBe('ended');
  expect(stream.text()).toMatch(/^: waiting\n\ndata: \{.*"first".*\n\ndata: .*"hello"[^]*data: \[DONE\]\n\n$/);
});

test("OpenAI's client does not give up a stream that waits for longer than its patience", async () => {
  const { url, noted, openDoor } = await waitingFront();
  const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0, timeout: 5_000 });
  const messages = [{ role: 'user' as const, content: 'hello' }];
  const stream = await openai.chat.completions.create({ model: 'a', messages, stream: true });
  await noted('start');
  openDoor();
  const texts: (string | null | undefined)[] = [];
  for await (const { choices } of stream) texts.push(choices[0]?.delta.content);
  expect(texts).toEqual(['first', 'hello', undefined]);
});

test('after the head, an error status of the server is told as an event, in its words', async () => {
  const { url, openDoor } = await waitingFront();
  const stream = await read(url, '/v1/chat/completions', 'refuse');
  openDoor();
  expect(await stream.ended).toBe('ended');
  expect(stream.text()).toBe(
    `${COMMENT}\n\ndata: {"error":{"message":"The context is too long.","type":"invalid_request_error","param":null,"code":"status_400"}}\n\n`,
  );
});

test('after the head, an answer that is no stream is told as an error', async () => {
  const { url, openDoor } = await waitingFront();
  const stream = await read(url, '/v1/responses', 'hello');
  openDoor();
  expect(await stream.ended).toBe('ended');
  expect(stream.text()).toContain('"code":"E_PROTOCOL"');
});

test.each([
  [
    '/v1/chat/completions',
    /^: waiting\n\n\n\ndata: \{"error":\{"message":"[^\n]*","type":"server_error","param":null,"code":"E_CANCELLED"\}\}\n\n$/,
  ],
  [
    '/v1/messages',
    /^: waiting\n\n\n\nevent: error\ndata: \{"type":"error","error":\{[^\n]*"code":"E_CANCELLED"\},"request_id":"req_\w+"\}\n\n$/,
  ],
])('after the head, an error of Greenroom is told as an event in the dialect of %s', async (path, text) => {
  const { opened, url } = await waitingFront();
  const stream = await read(url, path, 'hello');
  await stream.has(COMMENT);
  opened.supervisor.cancelCalls('a');
  expect(await stream.ended).toBe('ended');
  expect(stream.text().replace('invalid_request_error', 'server_error')).toMatch(text);
});

test('a server that ends after the early head and the beginning of its answer leaves an error event', async () => {
  const { url, openDoor, crash } = await waitingFront();
  const stream = await read(url, '/v1/messages', 'crash');
  openDoor();
  await stream.has('text_delta');
  await crash();
  expect(await stream.ended).toBe('ended');
  expect(stream.text()).toMatch(
    /message_start[^]*text_delta[^]*\n\nevent: error\ndata: \{"type":"error"[^\n]*ended in the middle[^\n]*\n\n$/,
  );
});

test('a client that leaves while its stream waits takes its request along', async () => {
  const { opened, url } = await waitingFront();
  const stream = await read(url, '/v1/chat/completions', 'hello');
  await stream.has(COMMENT);
  stream.response.destroy();
  await eventually(() => expect(opened.snapshot('a').waiting).toBe(0), { interval: 5 });
});

test('nothing is sent early to a client that asks for no stream', async () => {
  const { opened, url, openDoor } = await waitingFront();
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  const body = '{"model":"a","messages":[{"content":"refuse"}]}';
  const send = (path: string, json: string): void => {
    socket.write(`POST ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Length: ${json.length}\r\n\r\n${json}`);
  };
  send('/v1/chat/completions', body);
  await eventually(() => expect(opened.snapshot('a').waiting).toBe(1), { interval: 5 });
  // A stream that came later has its head by now.
  const stream = await read(url, '/v1/chat/completions', 'hello');
  expect(text).toBe('');
  openDoor();
  await eventually(() => expect(text).toContain('too_long'), { interval: 5 });
  expect(text).toMatch(/^HTTP\/1.1 400 /);
  await stream.ended;
  socket.destroy();
});

test('a model that cannot be loaded is told with a status that is not tried again', async () => {
  const { url } = await openFront({ a: { command: '/nowhere/at/all' } });
  const answer = await new Promise<IncomingMessage>((resolve) => get(`${url}/v1/audio/voices?model=a`, resolve));
  answer.resume();
  expect([answer.statusCode, answer.headers['x-should-retry']]).toEqual([500, 'false']);
});
