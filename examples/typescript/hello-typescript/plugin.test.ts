// Run it in this folder: node --test plugin.test.ts, from Node 22.18 on. An older Node needs tsx, and
// --import tsx before --test. The import from greenroom is of a type alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallContext } from 'greenroom/worker';
import plugin, { type Config } from './plugin.ts';

/** What the plugin uses of the context that Greenroom gives it with each call. */
const used: Partial<CallContext<Config>> = {
  config: { greeting: 'Hello' },
  progress() {},
  signal: new AbortController().signal,
};
const ctx = used as CallContext<Config>;

test('greets by name, and the world without one', () => {
  assert.deepEqual(plugin.execute({ name: 'Ada' }, ctx), { text: 'Hello, Ada!' });
  assert.deepEqual(plugin.execute({}, ctx), { text: 'Hello, world!' });
});

test('streams word by word, until it is cancelled', () => {
  assert.deepEqual([...plugin.stream({ name: 'Ada' }, ctx)], ['Hello', 'Ada']);
  assert.deepEqual([...plugin.stream({}, { ...ctx, signal: AbortSignal.abort() })], []);
});

test('shouts', () => {
  assert.equal(plugin.tools.shout.execute({ name: 'Ada' }, ctx), 'HELLO, ADA!');
});
