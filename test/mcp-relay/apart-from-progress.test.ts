import { expect, test } from 'vitest';
import { ApartFromProgress } from '../../src/mcp-relay/apart-from-progress.ts';

const progress = '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}';
const answer = '{"jsonrpc":"2.0","id":1,"result":{}}';
const READ = 64 * 1024;

test('an answer after progress does not fit into one read with it, and means the same', () => {
  const apart = new ApartFromProgress();
  apart.line(progress, false);
  const text = apart.line(answer, true);
  expect(text.length).toBeGreaterThan(READ);
  expect(JSON.parse(text)).toEqual(JSON.parse(answer));
  expect(apart.line(answer, true)).toBe(`${answer}\n`);
});

test('what lies between counts, and without progress nothing is added', () => {
  const apart = new ApartFromProgress();
  expect(apart.line(answer, true)).toBe(`${answer}\n`);
  apart.line(progress, false);
  const other = `{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"${'x'.repeat(READ)}"}}`;
  expect(apart.line(other, false)).toBe(`${other}\n`);
  expect(apart.line(answer, true)).toBe(`${answer}\n`);
});
