import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { JsonObject } from '../../src/mcp/json-rpc.ts';
import { callWhileInstalled } from '../../src/mcp-front/install-patience.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const never = new AbortController().signal;

/** A plugin whose package is installed from one time to another, and a call of it that a test ends. */
function callOf(from: number, until: number) {
  const begun = performance.now();
  const now = (): number => performance.now() - begun;
  const given: AbortSignal[] = [];
  let end = (): void => {};
  const promise = new Promise<JsonObject>((resolve) => {
    end = () => resolve({ content: [] });
  });
  const installing = () => (now() >= from && now() < until ? { spec: 'pack@1', forMs: now() - from } : undefined);
  const answers: JsonObject[] = [];
  void callWhileInstalled({ name: 's', installing }, never, (signal) => {
    given.push(signal);
    return promise;
  }).then((answer) => answers.push(answer));
  return { answers, given, end: () => end() };
}

const TEXT = '"s" is being installed (pack@1, 20 s so far). Call again in a minute.';

test('a call that has waited for 20 s for an installation is answered by a text, and given up', async () => {
  const call = callOf(0, 60_000);
  await vi.advanceTimersByTimeAsync(19_999);
  expect(call.answers).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(call.answers).toEqual([{ content: [{ type: 'text', text: TEXT }], isError: true }]);
  expect(call.given[0]?.aborted).toBe(true);
});

test('the time counts from when the installation began', async () => {
  const call = callOf(15_000, 60_000);
  await vi.advanceTimersByTimeAsync(34_999);
  expect(call.answers).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(call.answers).toHaveLength(1);
});

test('a call that runs for long after an installation is left alone', async () => {
  const call = callOf(0, 19_000);
  await vi.advanceTimersByTimeAsync(300_000);
  expect(call.answers).toEqual([]);
  call.end();
  await vi.advanceTimersByTimeAsync(0);
  expect([call.answers, call.given[0]?.aborted, vi.getTimerCount()]).toEqual([[{ content: [] }], false, 0]);
});
