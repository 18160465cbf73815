import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { Arguments } from '../../src/channel/arguments.ts';
import { type EncodedInput, encodeInput } from '../../src/channel/encoded-input.ts';
import type { Supervisor } from '../../src/runtime/supervisor.ts';
import { type Batch, BatchReader } from '../../src/sync/batch-reader.ts';
import { memoryOf, receivedValue, type SentValue, sentValue } from '../../src/sync/sent-value.ts';
import { methodsOf } from '../../src/sync/thread-methods.ts';

/** A message as another thread gets it. */
function handedOver<T>(message: T, memory: ArrayBuffer[]): T {
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(message, memory);
  const received = receiveMessageOnPort(port2)?.message as T;
  port1.close();
  return received;
}

function crossed(sent: SentValue): unknown {
  return receivedValue(handedOver(sent, typeof sent === 'string' ? [] : memoryOf(sent.bytes)));
}

const VALUES: [string, unknown][] = [
  ['integers of any size', { id: [2n ** 64n, -(10n ** 30n)], float: 1e20, zero: -0 }],
  ['bytes alone', Buffer.from('audio')],
  ['bytes at any depth', { list: [null, { audio: Buffer.from('a') }], none: Buffer.alloc(0), more: Buffer.from('b') }],
  ['a field named __proto__', JSON.parse('{"__proto__":{"a":1}}')],
];

describe('a value between threads', () => {
  it.each(VALUES)('crosses as it was: %s', (_what, value) => {
    expect(crossed(sentValue(value))).toStrictEqual(value);
  });

  it('hands over a copy of its bytes, without another one', () => {
    const audio = Buffer.alloc(1_000, 7);
    const sent = sentValue({ audio }) as Exclude<SentValue, string>;
    const received = crossed(sent) as { audio: Buffer };
    expect(received.audio.equals(audio)).toBe(true);
    expect(audio).toHaveLength(1_000);
    expect(sent.bytes[0]?.bytes).toHaveLength(0);
  });
});

describe('the input of a call', () => {
  it.each<[string, unknown]>([
    ...VALUES.map(([what, value]): [string, unknown] => [what, { value }]),
    ['a list', [1, Buffer.from('x'), { id: 2n ** 64n }]],
    ['both kinds of arguments', new Arguments([Buffer.from('x'), 2n ** 64n], { b: Buffer.from('y') })],
  ])('reaches the supervisor in its thread as it was: %s', async (_what, input) => {
    const written = encodeInput('tools', input) as EncodedInput;
    let reached: unknown;
    const supervisor = { execute: async (_name: string, given: unknown) => void (reached = given) };
    const { execute } = methodsOf(supervisor as unknown as Supervisor, new Map());
    const context = { id: 1, signal: new AbortController().signal, onProgress: () => {} };
    await execute(context, 'tools', handedOver(written, memoryOf(written.bytes)), { progress: false });
    expect(encodeInput('tools', reached)).toEqual(encodeInput('tools', input));
    expect(reached).toBeInstanceOf(input instanceof Arguments ? Arguments : Object);
  });
});

describe('a batch of chunks', () => {
  it('has the bytes of each at its place, and counts them', async () => {
    const chunks = [Buffer.from('a'), { n: [2n ** 64n, Buffer.alloc(2 * 1024 * 1024, 1)] }, 'in the next batch'];
    async function* stream(): AsyncGenerator {
      yield* chunks;
    }
    const reader = new BatchReader(stream());
    const read: unknown[] = [];
    let batch: Batch;
    do {
      batch = await reader.read();
      const { chunks: json, bytes } = handedOver(batch, memoryOf(batch.bytes));
      read.push(receivedValue({ json, bytes }));
    } while (!batch.ended);
    expect(read.flat()).toStrictEqual(chunks);
    expect(read.find((each) => (each as unknown[]).includes('in the next batch'))).toHaveLength(1);
  });
});
