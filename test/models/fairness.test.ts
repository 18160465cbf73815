import { expect, test } from 'vitest';
import { eventually } from '../eventually.ts';
import { openFront } from './front.ts';

const MODELS = ['a', 'b', 'c'];

test('requests for models that exclude each other are grouped', async () => {
  const manifests = Object.fromEntries(MODELS.map((model) => [model, { max_concurrency: 1 }]));
  const { openai, notes } = await openFront(manifests, { settings: { capacity: { slots: 1 } } });
  const order = Array.from({ length: 10 }, () => MODELS).flat();
  const answers = await Promise.all(
    order.map((model) => openai.chat.completions.create({ model, messages: [{ role: 'user', content: model }] })),
  );
  expect(answers.map(({ model }) => model)).toEqual(order);
  const loads = notes().filter(({ event }) => event === 'start');
  // In the order of their arrival, each of the thirty would have its own.
  expect(loads.length).toBeLessThanOrEqual(order.length / 3);
});

test('a model that is asked for again and again lets another have its turn', async () => {
  const manifests = { a: { max_concurrency: 2 }, b: {} };
  const { openai, notes, noted } = await openFront(manifests, { settings: { capacity: { slots: 1 }, maxWaitMs: 200 } });
  const ask = (model: string) =>
    openai.chat.completions.create({ model, messages: [{ role: 'user', content: model }] });
  const over = new AbortController();
  // There is always one more of them.
  const busy = [0, 1, 2].map(async () => {
    while (!over.signal.aborted) await ask('a');
  });
  await noted('request');
  expect((await ask('b')).model).toBe('b');
  over.abort();
  await Promise.all(busy);
  expect(new Set(notes().map(({ pid }) => pid)).size).toBeGreaterThanOrEqual(2);
});

test('a request that is sent again takes the place of the one that its client dropped', async () => {
  const { opened, url, notes, noted } = await openFront({ a: { max_concurrency: 1 } });
  const ask = (content: string, signal?: AbortSignal): Promise<number> =>
    fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: 'a', messages: [{ role: 'user', content }] }),
      ...(signal !== undefined && { signal }),
    }).then(
      ({ status }) => status,
      () => 0,
    );
  const waits = (count: number): Promise<void> =>
    eventually(() => expect(opened.snapshot('a').waiting).toBe(count), { interval: 5 });
  const [running, first] = [new AbortController(), new AbortController()];
  const asked = [ask('hang', running.signal)];
  await noted('request');
  for (const [index, content] of ['first', 'second', 'third'].entries()) {
    asked.push(ask(content, content === 'first' ? first.signal : undefined));
    await waits(index + 1);
  }
  first.abort();
  await waits(2);
  asked.push(ask('first'));
  await waits(3);
  running.abort();
  expect(await Promise.all(asked)).toEqual([0, 0, 200, 200, 200]);
  const order = notes().flatMap(({ text }) => /"content":"(\w+)"/.exec(text)?.[1] ?? []);
  expect(order).toEqual(['hang', 'first', 'second', 'third']);
});

test('that place is also the one of its model among those that wait for memory', async () => {
  const { opened, url, notes, noted } = await openFront(
    { a: {}, b: {}, c: {} },
    { settings: { capacity: { slots: 1 } } },
  );
  const ask = (model: string, content: string, signal?: AbortSignal): Promise<number> =>
    fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model, messages: [{ role: 'user', content }] }),
      ...(signal !== undefined && { signal }),
    }).then(
      ({ status }) => status,
      () => 0,
    );
  const waits = (plugin: string, count: number): Promise<void> =>
    eventually(() => expect(opened.snapshot(plugin).waiting).toBe(count), { interval: 5 });
  const [running, first] = [new AbortController(), new AbortController()];
  const asked = [ask('a', 'hang', running.signal)];
  await noted('request');
  asked.push(ask('b', 'b', first.signal));
  await waits('b', 1);
  asked.push(ask('c', 'c'));
  await waits('c', 1);
  first.abort();
  await waits('b', 0);
  asked.push(ask('b', 'b'));
  await waits('b', 1);
  running.abort();
  expect(await Promise.all(asked)).toEqual([0, 0, 200, 200]);
  const order = notes().flatMap(({ text }) => /"content":"(\w+)"/.exec(text)?.[1] ?? []);
  expect(order).toEqual(['hang', 'b', 'c']);
});
