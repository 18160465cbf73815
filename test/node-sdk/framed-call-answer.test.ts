import { expect, test, vi } from 'vitest';
import { FramedCallAnswer } from '../../src/node-sdk/framed-call-answer.ts';

test('a generator that never waits lets the event loop turn although each of its chunks is taken at once', async () => {
  const connection = { isBehind: true, drained: () => Promise.resolve(), send() {}, flush() {}, end() {} };
  const answer = new FramedCallAnswer(connection, 1);
  const turned = vi.fn<() => void>();
  setImmediate(turned);
  for (let count = 0; turned.mock.calls.length === 0 && count < 20_000; count += 1) {
    await answer.chunk('x'.repeat(20_000));
  }
  expect(turned).toHaveBeenCalled();
});
