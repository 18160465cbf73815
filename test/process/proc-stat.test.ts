import { expect, test } from 'vitest';
import { parseProcStat, readProcStat, readProcStats } from '../../src/process/proc-stat.ts';

const fields = 'S 10 20 20 0 -1 4194560 100 0 0 0 7 5 0 0 20 0 1 0 98765 5000000 300 18446744073709551615';

test.each(['sleep', 'a b', 'x) S 1 2 (y', '((', 'two\nlines'])('a command called %j is read over', (command) => {
  expect(parseProcStat(`42 (${command}) ${fields}\n`)).toEqual({
    pid: 42,
    ppid: 10,
    pgid: 20,
    cpuTicks: 12,
    startTime: '98765',
    zombie: false,
    loading: false,
    hasEnvironment: false,
  });
});

test('one that has ended and was not taken note of is told apart', () => {
  expect(parseProcStat(`42 (sleep) ${fields.replace('S', 'Z')}\n`)?.zombie).toBe(true);
});

test.each([
  { of: 'one whose program is being loaded', memory: '5000000', code: '0', environment: '0', loading: true },
  {
    of: 'one with an empty environment',
    memory: '5000000',
    code: '4096',
    environment: '140735337684972',
    loading: false,
  },
  { of: "somebody else's", memory: '5000000', code: '1', environment: '0', loading: false },
  { of: 'a kernel thread', memory: '0', code: '0', environment: '0', loading: false },
])('of $of it is known that loading is $loading', ({ memory, code, environment, loading }) => {
  const line = `42 (sh) S 10 20 20 0 -1 4194560 100 0 0 0 7 5 0 0 20 0 1 0 98765 ${memory} 300 1844 ${code}`;
  const rest = `0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 ${environment} 0`;
  expect(parseProcStat(`${line} ${rest}`)?.loading).toBe(loading);
});

test('half a line is no process', () => {
  expect(parseProcStat('42 (sleep) S 10')).toBeNull();
  expect(parseProcStat('')).toBeNull();
});

test('this process is found, and nothing where there is no /proc', () => {
  expect(readProcStat(process.pid)).toMatchObject({ pid: process.pid, ppid: process.ppid });
  expect(readProcStats().map(({ pid }) => pid)).toContain(process.pid);
  expect(readProcStats('/nowhere')).toEqual([]);
});
