import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLineSplitter, TAIL_LINE_CHARACTERS } from '../../src/process/line-splitter.ts';

function split(chunks: readonly Uint8Array[], maxLineBytes?: number) {
  const lines: { line: string; complete: boolean }[] = [];
  const splitter = createLineSplitter({ onLine: (line, complete) => lines.push({ line, complete }), maxLineBytes });
  for (const chunk of chunks) splitter.write(chunk);
  splitter.end();
  return { lines, tail: splitter.tail() };
}

/** Cuts bytes at the given fractions. */
function cut(bytes: Buffer, fractions: readonly number[]): Buffer[] {
  const places = [0, ...fractions.map((at) => Math.floor(at * bytes.length)).toSorted((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

const text = fc
  .array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\n', '\r\n', '\r', '', 'é', '漢字', '🎭')), {
    maxLength: 40,
  })
  .map((parts) => parts.join(''));
const fractions = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });

test('lines do not depend on how the stream is cut into chunks', () => {
  fc.assert(
    fc.property(text, fractions, fc.integer({ min: 4, max: 60 }), (written, at, maxLineBytes) => {
      const bytes = Buffer.from(written);
      expect(split(cut(bytes, at), maxLineBytes)).toEqual(split([bytes], maxLineBytes));
    }),
  );
});

test('lines are those of the text, and pieces of long ones are whole characters that add up to it', () => {
  fc.assert(
    fc.property(text, fractions, fc.integer({ min: 4, max: 60 }), (written, at, maxLineBytes) => {
      const bytes = Buffer.from(written);
      const expected = bytes.toString().split('\n');
      const whole = split(cut(bytes, at), 1_000_000).lines.map(({ line }) => line);
      const shown = expected.map((line) => line.replace(/\r+$/, '').replace(/^.*\r/s, ''));
      expect(whole).toEqual(shown.at(-1) === '' ? shown.slice(0, -1) : shown);
      const pieces = split(cut(bytes, at), maxLineBytes).lines;
      if (!written.includes('\r')) expect(pieces.map(({ line }) => line).join('')).toBe(whole.join(''));
      expect(pieces.every(({ line }) => Buffer.byteLength(line) <= maxLineBytes)).toBe(true);
    }),
  );
});

test('of a line that is written over again and again, as by a progress bar, the last version is handed on', () => {
  const bar = Array.from({ length: 3_000 }, (_, done) => `\rLoading: ${done} of 3000`).join('');
  const chunks = cut(Buffer.from(`${bar}: no space left\nnext\n`), [0.3, 0.5, 0.9]);
  expect(split(chunks).lines.map(({ line }) => line)).toEqual(['Loading: 2999 of 3000: no space left', 'next']);
});

test('only a line that was ended and not cut is complete', () => {
  expect(split([Buffer.from('whole\n0123456789\nrest')], 8).lines).toEqual([
    { line: 'whole', complete: true },
    { line: '01234567', complete: false },
    { line: '89', complete: false },
    { line: 'rest', complete: false },
  ]);
});

test('bytes that are no UTF-8 become replacement characters', () => {
  expect(split([Buffer.from([0xff, 0x61, 0x0a])]).lines).toEqual([{ line: '\ufffda', complete: true }]);
});

test('the last lines are remembered, long ones cut', () => {
  const long = 'x'.repeat(TAIL_LINE_CHARACTERS + 5);
  const splitter = createLineSplitter({ onLine: () => {}, keep: 2 });
  splitter.write(Buffer.from(`one\ntwo\n${long}\n`));
  expect(splitter.tail()).toEqual(['two', 'x'.repeat(TAIL_LINE_CHARACTERS)]);
});
