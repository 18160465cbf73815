import { expect, test } from 'vitest';
import { listByPs, parsePs } from '../../src/measure/ps.ts';

test('what macOS and Linux print is read', () => {
  const macos = '    1     0     1  12345   3:25.06 05-03:10:09\n  501     1   501   2048   0:00.04      00:07\n';
  expect(parsePs(macos)).toEqual([
    { pid: 1, ppid: 0, pgid: 1, rssBytes: 12_345 * 1024, cpuMs: 205_060, ageMs: 443_409_000 },
    { pid: 501, ppid: 1, pgid: 501, rssBytes: 2_048 * 1024, cpuMs: 40, ageMs: 7_000 },
  ]);
  expect(parsePs('7 1 7 100 1-00:00:01 1-00:00:02')).toMatchObject([{ cpuMs: 86_401_000, ageMs: 86_402_000 }]);
});

test('lines that are no process are left out', () => {
  expect(parsePs('\nps: illegal option -- o\n1 2 3 - 0:00 00:01\n')).toEqual([]);
});

test('this process is among what ps lists', async () => {
  expect((await listByPs()).map(({ pid }) => pid)).toContain(process.pid);
});
