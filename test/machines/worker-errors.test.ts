import { expect, test } from 'vitest';
import { crashError } from '../../src/machines/worker-errors.ts';
import { LastLines } from '../../src/process/last-lines.ts';

const messageFor = (output: string): string =>
  crashError('p', { code: 1, signal: null, output, outOfMemory: false, retryable: true }).message;

const NODE_END = '\n\nNode.js v20.20.2';

test.each([
  [
    'a rejection that is no Error',
    `node:internal/process/promises:389\n      ^\n\nUnhandledPromiseRejection: It was rejected with "42".\n    at x (node:y:1:2) {\n  code: 'ERR_UNHANDLED_REJECTION'\n}${NODE_END}`,
    'UnhandledPromiseRejection: It was rejected with "42".',
  ],
  [
    'a thrown text',
    `[eval]:1\nthrow 'text'\n^\nthe text\n(Use \`node --trace-uncaught ...\` to show where the exception was thrown)${NODE_END}`,
    'the text',
  ],
  [
    'several errors in one',
    `\n[AggregateError: All promises were rejected] {\n  [errors]: [\n    Error: one\n        at [eval]:1:29\n  ]\n}${NODE_END}`,
    '[AggregateError: All promises were rejected]',
  ],
  [
    'an Error with properties',
    `Error: with properties\n    at x (y:1:2) {\n  errno: -111,\n  code: 'ECONNREFUSED'\n}${NODE_END}`,
    'Error: with properties',
  ],
  [
    'a traceback of Python',
    'Traceback (most recent call last):\n  File "x.py", line 1, in <module>\nValueError: no model',
    'ValueError: no model',
  ],
  [
    'colours and other controls',
    'first\n\u001b[31mno space\u001b[0m left\u0000\u001b]0;title\u0007\n\n',
    'no space left',
  ],
])('the message of a crash has the cause of %s', (_what, output, cause) => {
  expect(messageFor(output)).toContain(`Last output: ${cause}`);
});

test('the message of a crash has only what was printed at the end, and says when that was if it is long ago', () => {
  let now = 0;
  const lines = new LastLines(() => now);
  const message = (): string => {
    const exit = { code: 1, signal: null, output: lines.text, lastWords: lines.lastWords, outOfMemory: false };
    return crashError('p', { ...exit, retryable: true }).message;
  };
  for (const line of ['Error: of an earlier call', '    at x (node:y:1:2)']) lines.add(line);
  now = 9_000;
  expect(message()).toBe('The worker of "p" exited with status 1. Last output: Error: of an earlier call');
  now = 240_000;
  expect(message()).toContain(' Last output, 4 min before: Error: of an earlier call');
  lines.add('hello');
  expect(message()).toContain(' Last output: hello');
  expect(lines.text).toContain('earlier call');
});

test('the message of a crash is bounded, and keeps both ends of what was said', () => {
  const message = messageFor(`begin ${'x'.repeat(50_000)} the cause`);
  expect(message.length).toBeLessThan(1_500);
  expect(message).toMatch(/begin x.*more characters.*x the cause$/);
});
