import { expect, test } from 'vitest';
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
  let isOver = false;
  // There is always one more of them.
  const busy = [0, 1, 2].map(async () => {
    while (!isOver) await ask('a');
  });
  await noted('request');
  expect((await ask('b')).model).toBe('b');
  isOver = true;
  await Promise.all(busy);
  expect(new Set(notes().map(({ pid }) => pid)).size).toBeGreaterThanOrEqual(2);
});
