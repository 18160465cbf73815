import { createHash, randomBytes } from 'node:crypto';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI, { toFile } from 'openai';
import { expect, test } from 'vitest';
import { openFront } from './front.ts';

const say = (content: string) => [{ role: 'user' as const, content }];

/** What a promise rejects with. */
const thrown = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

async function textOf(
  stream: AsyncIterable<OpenAI.ChatCompletionChunk>,
  onText = async (): Promise<void> => {},
): Promise<string[]> {
  const texts: string[] = [];
  for await (const { choices } of stream) {
    texts.push(choices[0]?.delta.content ?? '');
    await onText();
  }
  return texts;
}

test("OpenAI's client chats with the plugin that has the model", async () => {
  const { openai } = await openFront({ a: {}, b: {} });
  const answer = await openai.chat.completions.create({ model: 'b', messages: say('hello') });
  expect(answer).toMatchObject({ model: 'b', choices: [{ message: { content: 'hello' } }] });
});

test("OpenAI's client is streamed to", async () => {
  const { openai } = await openFront({ a: {} });
  const stream = await openai.chat.completions.create({ model: 'a', messages: say('hello'), stream: true });
  expect(await textOf(stream)).toEqual(['first', 'hello', '']);
});

test("OpenAI's client gets embeddings, which it asks for in base64", async () => {
  const { openai, notes } = await openFront({ a: {} });
  const { data } = await openai.embeddings.create({ model: 'a', input: ['one', 'two'] });
  expect(data.map(({ embedding }) => [...embedding])).toEqual([
    [0.5, -1, 2.25],
    [0.5, -1, 2.25],
  ]);
  const floats = await openai.embeddings.create({ model: 'a', input: 'one', encoding_format: 'float' });
  expect(floats.data[0]?.embedding).toEqual([0.5, -1, 2.25]);
  expect(notes().map(({ text }) => text ?? '')).toEqual([
    '',
    expect.stringContaining('base64'),
    expect.stringContaining('float'),
  ]);
});

test.each([
  ['a small file', 1_000],
  ['a file that does not stay in memory', 5 * 1024 * 1024],
])("OpenAI's client has %s transcribed, which it sends before the model", async (_what, size) => {
  const { openai } = await openFront({ a: { use_model_name: 'whisper-large-v3' } });
  const bytes = randomBytes(size);
  const file = await toFile(bytes, 'speech.wav');
  const { text } = await openai.audio.transcriptions.create({ file, model: 'a', language: 'en' });
  expect(JSON.parse(text)).toEqual({
    file: { bytes: size, digest: createHash('sha256').update(bytes).digest('hex') },
    model: 'whisper-large-v3',
    language: 'en',
  });
});

test("what OpenAI's client cancels is cancelled at the server", async () => {
  const { openai, noted } = await openFront({ a: {} });
  const stream = await openai.chat.completions.create({ model: 'a', messages: say('hang'), stream: true });
  for await (const _ of stream) stream.controller.abort();
  await noted('left');
});

test("OpenAI's client throws where a stream ends in its middle", async () => {
  const { openai, crash } = await openFront({ a: {} });
  for (const how of ['crash', 'cut']) {
    const stream = await openai.chat.completions.create({ model: 'a', messages: say(how), stream: true });
    const error = await thrown(textOf(stream, how === 'crash' ? crash : undefined));
    expect(error).toBeInstanceOf(OpenAI.APIError);
    expect(String(error)).toContain('"a" ended in the middle of its answer');
  }
});

test("OpenAI's client is told of a crash before the answer, and does not send again what may have been done", async () => {
  const { opened, url, notes } = await openFront({ a: {} });
  const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 2 });
  const error = await thrown(openai.chat.completions.create({ model: 'a', messages: say('crash') }));
  expect(error).toMatchObject({ status: 502, code: 'E_CRASHED', requestID: expect.stringMatching(/^req_/) as string });
  expect(notes().filter(({ event }) => event === 'request')).toHaveLength(1);
  expect(opened.snapshot('a').restarts).toBeLessThanOrEqual(1);
});

test("OpenAI's client sends again what was refused for a full queue", async () => {
  const { url, openai, noted } = await openFront({ a: { max_concurrency: 1, max_waiting: 1 } });
  const retrying = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 2 });
  const running = new AbortController();
  const waiting = new AbortController();
  const chat = (content: string, { signal }: AbortController): Promise<unknown> =>
    thrown(openai.chat.completions.create({ model: 'a', messages: say(content) }, { signal }));
  const first = chat('hang', running);
  await noted('request');
  const second = chat('hang', waiting);
  const refused = await thrown(openai.chat.completions.create({ model: 'a', messages: say('third') }));
  expect(refused).toMatchObject({ status: 429, code: 'E_QUEUE_FULL', type: 'rate_limit_error' });
  expect((refused as { headers: Headers }).headers.get('retry-after')).toBe('1');
  const third = retrying.chat.completions.create({ model: 'a', messages: say('third') });
  waiting.abort();
  running.abort();
  expect((await third).choices[0]?.message.content).toBe('third');
  expect(await Promise.all([first, second])).toEqual([
    expect.any(OpenAI.APIUserAbortError),
    expect.any(OpenAI.APIUserAbortError),
  ]);
});

test("OpenAI's client is told the nearest name of a model that is unknown", async () => {
  const { openai } = await openFront({ qwen: {}, llama: {} });
  const error = await thrown(openai.chat.completions.create({ model: 'qwem', messages: say('hello') }));
  expect(error).toMatchObject({ status: 404, code: 'model_not_found', param: 'model', type: 'invalid_request_error' });
  expect(String(error)).toContain('There is no model "qwem". Did you mean "qwen"? The models are llama, qwen.');
});

test("OpenAI's client lists the models", async () => {
  const { openai } = await openFront({
    a: { models: ['qwen', 'gpt-4o-mini'], display_name: 'Qwen', description: 'Chats.', metadata: { size: 7 } },
    b: { unlisted: true },
  });
  const { data } = await openai.models.list();
  expect(data).toMatchObject([{ id: 'qwen', display_name: 'Qwen', description: 'Chats.', metadata: { size: 7 } }]);
  expect(await openai.models.retrieve('gpt-4o-mini')).toMatchObject({ id: 'gpt-4o-mini', display_name: 'Qwen' });
  expect(await thrown(openai.models.retrieve('other'))).toMatchObject({ status: 404, code: 'model_not_found' });
});

test("Anthropic's client is answered, and streamed to", async () => {
  const { anthropic } = await openFront({ claude: {} });
  const asked = { model: 'claude', max_tokens: 10, messages: say('hello') };
  expect(await anthropic.messages.create(asked)).toMatchObject({ content: [{ type: 'text', text: 'hello' }] });
  expect(await anthropic.messages.stream(asked).finalText()).toBe('hello');
  expect(
    (await anthropic.messages.countTokens({ model: 'claude', messages: say('hello') })).input_tokens,
  ).toBeGreaterThan(1);
  expect((await anthropic.models.list()).data).toMatchObject([{ id: 'claude', type: 'model' }]);
});

test("Anthropic's client is told of errors in its own way", async () => {
  const { anthropic, crash } = await openFront({ a: { models: ['claude'] } });
  const asked = { max_tokens: 10, messages: say('hello') };
  const unknown = await thrown(anthropic.messages.create({ ...asked, model: 'clause' }));
  expect(unknown).toBeInstanceOf(Anthropic.NotFoundError);
  expect(unknown).toMatchObject({
    requestID: expect.stringMatching(/^req_/) as string,
    error: {
      type: 'error',
      error: { type: 'not_found_error', message: expect.stringContaining('"claude"') as string },
    },
  });
  const stream = anthropic.messages.stream({ ...asked, model: 'claude', messages: say('crash') });
  stream.on('text', () => void crash());
  expect(await thrown(stream.finalMessage())).toMatchObject({
    error: {
      type: 'error',
      error: { type: 'api_error', message: expect.stringContaining('ended in the middle') as string },
    },
  });
});
