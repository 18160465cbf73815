import { expect, test } from 'vitest';
import { workerEnvironment } from '../../src/worker-kinds/worker-environment.ts';

const namesPassed = (host: readonly string[], pass: readonly string[]): string[] => {
  const env = Object.fromEntries(host.map((name) => [name, 'x']));
  return Object.keys(workerEnvironment({ host: env, pass, set: {} })).toSorted();
};

test.each([
  ['HF_*', ['HF_', 'HF_HOME'], ['HF', 'XHF_HOME']],
  ['*_TOKEN', ['_TOKEN', 'A_TOKEN'], ['A_TOKENS']],
  ['A*B*C', ['ABC', 'AxBxC', 'ABBCC', 'ABCABC'], ['ACB', 'AB', 'ABCx']],
  ['AB*BA', ['ABBA', 'ABxBA'], ['ABA']],
  ['A.C', ['A.C'], ['ABC']],
  ['*', ['A', 'B'], []],
  ['**', ['A', 'B'], []],
])('%s passes on what fits it, and nothing else', (pattern, fitting, others) => {
  expect(namesPassed([...fitting, ...others], [pattern])).toEqual(fitting.toSorted());
});

test('a pattern of many stars is compared in no time', () => {
  expect(namesPassed(['A'.repeat(200)], [`${'*A'.repeat(50)}B`])).toEqual([]);
});

test('what systemd tells the daemon alone is passed on by no pattern and no name, and may be set', () => {
  const own = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID', 'LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES'];
  expect(namesPassed([...own, 'A'], [])).toEqual([]);
  expect(namesPassed([...own, 'A'], ['*', 'NOTIFY_*', ...own])).toEqual(['A']);
  const set = { NOTIFY_SOCKET: '/own' };
  expect(workerEnvironment({ host: { NOTIFY_SOCKET: '/daemon' }, pass: ['*'], set })).toEqual(set);
});
