import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type KnownEra, KnownEras } from '../../src/mcp/known-eras.ts';
import type { Agreement } from '../../src/mcp/negotiate.ts';
import type { Era } from '../../src/mcp/revisions.ts';
import { McpStart } from '../../src/process/mcp-start.ts';
import type { StartRequest } from '../../src/process/start-request.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;

/** A data directory, gone after the test. */
function openFolder() {
  const dataDir = mkdtempSync(join(tmpdir(), 'gr-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true }));
  return { dataDir, file: join(dataDir, 'mcp-eras.json') };
}

test('what a program speaks is known for a day from when it was found out, to a later supervisor too', () => {
  const { dataDir } = openFolder();
  let now = Date.UTC(2026, 10, 30);
  const open = () => new KnownEras(dataDir, () => now);
  const eras = open();
  expect(eras.of('a').get()).toBeUndefined();
  eras.of('a').set('modern');
  now += DAY_MS - 1;
  expect([eras.of('a').get(), eras.of('b').get(), open().of('a').get()]).toEqual(['modern', undefined, 'modern']);
  now += 1;
  expect([eras.of('a').get(), open().of('a').get()]).toEqual([undefined, undefined]);
});

test('what another supervisor has found out later counts, and nothing of it is lost', () => {
  const { dataDir } = openFolder();
  let now = 1_000;
  const [one, other] = [new KnownEras(dataDir, () => now), new KnownEras(dataDir, () => now)];
  one.of('a').set('legacy');
  now += 1;
  other.of('a').set('modern');
  other.of('b').set('legacy');
  one.of('c').set('modern');
  for (const eras of [one, other, new KnownEras(dataDir, () => now)])
    expect(['a', 'b', 'c'].map((name) => eras.of(name).get())).toEqual(['modern', 'legacy', 'modern']);
});

test('what was found out in the future, by a clock that was set back since, does not count', () => {
  const { dataDir } = openFolder();
  new KnownEras(dataDir, () => 2_000).of('a').set('modern');
  expect(new KnownEras(dataDir, () => 1_000).of('a').get()).toBeUndefined();
});

test.each([
  ['', 'nothing'],
  ['{"a": {"era": "leg', 'half of it'],
  ['{"a": {"era": "ancient", "found_at": "2026-11-30T00:00:00.000Z"}}', 'an era that there is not'],
  ['{"a": {"era": "legacy", "found_at": "yesterday"}}', 'a date that is none'],
  ['[1]', 'other JSON'],
])('a file with %j, %s, is passed over and written anew', (content) => {
  const { dataDir, file } = openFolder();
  writeFileSync(file, content);
  const eras = new KnownEras(dataDir);
  expect(eras.of('a').get()).toBeUndefined();
  eras.of('a').set('modern');
  expect(new KnownEras(dataDir).of('a').get()).toBe('modern');
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ a: { era: 'modern', found_at: expect.any(String) } });
});

test('what cannot be kept is known to its supervisor', () => {
  const { dataDir, file } = openFolder();
  mkdirSync(join(file, 'in-the-way'), { recursive: true });
  const eras = new KnownEras(dataDir);
  eras.of('a').set('legacy');
  expect(eras.of('a').get()).toBe('legacy');
});

test('of a thousand and one programs the one that was found out about first is forgotten', () => {
  const { dataDir, file } = openFolder();
  const date = (at: number): string => new Date(at).toISOString();
  const all = Array.from({ length: 1_000 }, (_, at) => [`program ${at}`, { era: 'legacy', found_at: date(at) }]);
  writeFileSync(file, JSON.stringify(Object.fromEntries(all)));
  const eras = new KnownEras(dataDir, () => 1_000);
  eras.of('program 1000').set('legacy');
  expect(['program 0', 'program 1', 'program 1000'].map((name) => eras.of(name).get())).toEqual([
    undefined,
    'legacy',
    'legacy',
  ]);
});

test('a start that finds what was known leaves its date, so that a program is asked again one day', async () => {
  const found: Era[] = [];
  const known: KnownEra = { get: () => found.at(-1) ?? 'legacy', set: (era) => void found.push(era) };
  const request = { note: () => {} } as unknown as StartRequest;
  const agreed = (era: Era) => async () => ({ era }) as Agreement;
  await new McpStart(request, known).agree(agreed('legacy'));
  expect(found).toEqual([]);
  await new McpStart(request, known).agree(agreed('modern'));
  expect(found).toEqual(['modern']);
});
