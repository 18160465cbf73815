import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Progress } from '../../src/index.ts';
import type { About } from '../runtime/workbench.ts';
import { openBlocking, thrownBy } from './blocking.ts';

const tools = { fixture: 'workbench' };

interface Item {
  readonly index: number;
}

test('a stream is a plain iterator over all chunks, in order', async () => {
  const { blocking } = await openBlocking({ tools });
  const stream = blocking.stream<Item>('tools', { count: 3_000 });
  expect(Array.from(stream, ({ index }) => index)).toEqual(Array.from({ length: 3_000 }, (_, index) => index));
  expect(stream.next()).toEqual({ value: undefined, done: true });
});

test('a chunk is there as soon as it is sent', async () => {
  const { blocking } = await openBlocking({ tools });
  const stream = blocking.stream<Item>('tools', { pause: 1 });
  expect(stream.next().value).toMatchObject({ index: 0 });
  expect(stream.next().value).toMatchObject({ index: 1 });
  stream.return();
});

test('break ends the stream, and the worker serves the next call', async () => {
  const { blocking } = await openBlocking({ tools });
  for (const { index } of blocking.stream<Item>('tools', { pause: 1 })) if (index === 3) break;
  expect(blocking.execute<About & { cancelled: number }>('tools', { do: 'about' }).cancelled).toBe(1);
  using stream = blocking.stream<Item>('tools', { pause: 1 });
  stream.next();
  stream[Symbol.dispose]();
  expect(stream.next()).toEqual({ value: undefined, done: true });
  const error = new Error('no more');
  const thrown = blocking.stream<Item>('tools', { pause: 1 });
  thrown.next();
  expect(thrownBy(() => thrown.throw(error))).toBe(error);
  expect(blocking.execute<{ cancelled: number }>('tools', { do: 'about' }).cancelled).toBe(3);
});

test('an error comes after the chunks before it, once', async () => {
  const { blocking } = await openBlocking({ tools });
  const seen: number[] = [];
  const stream = blocking.stream<Item>('tools', { failAt: 5 });
  const error = thrownBy(() => {
    for (const { index } of stream) seen.push(index);
  }) as Error;
  expect(seen).toEqual([0, 1, 2, 3, 4]);
  expect(error).toMatchObject({ code: 'E_REMOTE', remote: { type: 'TypeError' } });
  expect(error.stack).toContain('blocking-stream.test.ts');
  expect(stream.next()).toEqual({ value: undefined, done: true });
});

test('an unknown name throws at once, and wrong inputs and options at the first next()', async () => {
  const { blocking } = await openBlocking({ tools });
  expect(thrownBy(() => blocking.stream('tool', { map: new Map() }))).toMatchObject({ code: 'E_UNKNOWN_PLUGIN' });
  const wrong = blocking.stream('tools', { map: new Map() });
  expect(thrownBy(() => wrong.next())).toMatchObject({
    code: 'E_SERIALIZE',
    message: expect.stringContaining('input.map is a Map'),
  });
  expect(wrong.next()).toEqual({ value: undefined, done: true });
  const late = blocking.stream('tools', {}, { timeoutMs: 'soon' as unknown as number });
  expect(thrownBy(() => late.next())).toMatchObject({ code: 'E_OPTIONS' });
});

test('the input is that of the time of the call', async () => {
  const { blocking } = await openBlocking({ tools });
  const input = { count: 2 };
  const stream = blocking.stream('tools', input);
  input.count = 5;
  expect([...stream]).toHaveLength(2);
});

test('onProgress of a stream is called while it is read', async () => {
  const { blocking, scratch, write } = await openBlocking({});
  const module = join(scratch, 'counter.mjs');
  writeFileSync(
    module,
    `export default {
      execute: () => null,
      async *stream(input, ctx) {
        for (const step of [1, 2, 3]) {
          ctx.progress(step / 3);
          yield step;
        }
      },
    };`,
  );
  write('counter', { version: '1.0.0', worker: 'node', module });
  blocking.discover();
  const seen: unknown[] = [];
  const onProgress = ({ progress }: Progress): void => void seen.push(progress);
  const chunks = [...blocking.stream('counter', {}, { onProgress })];
  expect([chunks, seen]).toEqual([
    [1, 2, 3],
    [1 / 3, 2 / 3, 1],
  ]);
});

test('a reader that takes its time with each chunk is not idle, and one that stops is', async () => {
  const { blocking } = await openBlocking({ tools });
  const options = { streamIdleMs: 1_000 };
  const stream = blocking.stream<Item>('tools', { count: 10_000 }, options);
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const slowUntil = performance.now() + 3 * options.streamIdleMs;
  let last: Item | undefined;
  while (performance.now() < slowUntil) {
    last = stream.next().value;
    Atomics.wait(cell, 0, 0, 150);
  }
  // Beyond what had come before it was slow.
  while (last !== undefined && last.index < 5_000) last = stream.next().value;
  expect(last).toMatchObject({ index: 5_000 });
  while (blocking.plugin('tools').snapshot().inFlight > 0) Atomics.wait(cell, 0, 0, 20);
  expect(thrownBy(() => Array.from(stream))).toMatchObject({
    code: 'E_TIMEOUT',
    details: { option: 'streamIdleMs' },
  });
});
