// Run it in this folder: node --test. The plugin is an object, so its test needs no Greenroom.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import plugin from './plugin.mjs';

/** What the plugin uses of the context that Greenroom gives it with each call. */
const ctx = { config: { greeting: 'Hello' }, progress() {}, signal: new AbortController().signal };

test('greets by name, and the world without one', async () => {
  assert.deepEqual(await plugin.execute({ name: 'Ada' }, ctx), { text: 'Hello, Ada!' });
  assert.deepEqual(await plugin.execute({}, ctx), { text: 'Hello, world!' });
});

test('streams word by word, until it is cancelled', async () => {
  const words = [];
  for await (const word of plugin.stream({ name: 'Ada' }, ctx)) words.push(word);
  assert.deepEqual(words, ['Hello', 'Ada']);
  const cancelled = plugin.stream({}, { ...ctx, signal: AbortSignal.abort() });
  assert.deepEqual(await cancelled.next(), { done: true, value: undefined });
});

test('shouts', () => {
  assert.equal(plugin.tools.shout.execute({ name: 'Ada' }, ctx), 'HELLO, ADA!');
});
