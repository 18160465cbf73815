import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { daemonFile, readDaemon } from '../../src/daemon/daemon-record.ts';
import { ownIdentity } from '../../src/process/process-identity.ts';
import { graphOf } from '../module-graph.ts';
import { useDataDir } from './claimants.ts';

test('what the command line reads first imports three files, and of packages nothing but Node', () => {
  const graph = [...graphOf('daemon/daemon-record.ts')];
  expect(graph.filter((name) => name.endsWith('.ts'))).toEqual([
    'daemon/daemon-record.ts',
    'process/process-identity.ts',
    'process/proc-stat.ts',
  ]);
  expect(graph.filter((name) => !name.endsWith('.ts') && !name.startsWith('node:'))).toEqual([]);
});

test('the graph of imports that this holds to account has what it should', () => {
  const graph = graphOf('tools/tool-cache.ts');
  for (const name of ['zod', 'node:fs', 'files/whole-file.ts', 'system-error.ts']) expect(graph).toContain(name);
  expect(graph).not.toContain('process/process-identity.ts');
});

const files = useDataDir();
const RECORD = {
  ...ownIdentity(),
  id: '0123456789ab',
  machine: '',
  socket: '/s',
  tcp: null,
  version: '1',
  searchPaths: ['/p'],
  listening: true,
  startedAt: 1,
};

test.each([
  ['no JSON', '{'],
  ['no object', 'null'],
  ['an id that is a path', JSON.stringify({ ...RECORD, id: '../../../ab' })],
  ['a pid that would signal a group', JSON.stringify({ ...RECORD, pid: -1 })],
  ['a socket that is a number', JSON.stringify({ ...RECORD, socket: 80 })],
  ['a socket without a name', JSON.stringify({ ...RECORD, socket: '' })],
  ['a search path that is a number', JSON.stringify({ ...RECORD, searchPaths: [1] })],
  ['no version', JSON.stringify({ ...RECORD, version: undefined })],
  ['more than a record can be', JSON.stringify({ ...RECORD, version: 'x'.repeat(2 ** 20) })],
])('a lock file with %s tells of no daemon', (_, text) => {
  mkdirSync(files.dataDir);
  writeFileSync(daemonFile(files.dataDir), text);
  expect(readDaemon(files.dataDir)).toBeUndefined();
});

test('there is no daemon where there is no file, no directory, or a folder in its place', () => {
  expect(readDaemon(files.dataDir)).toBeUndefined();
  mkdirSync(daemonFile(files.dataDir), { recursive: true });
  expect(readDaemon(files.dataDir)).toBeUndefined();
});

test('the record of a living daemon is returned as it was written', () => {
  mkdirSync(files.dataDir);
  writeFileSync(daemonFile(files.dataDir), JSON.stringify(RECORD));
  expect(readDaemon(files.dataDir)).toEqual(RECORD);
});
