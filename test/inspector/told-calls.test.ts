import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { InspectorRecord } from '../../src/inspector/wire.ts';
import { openSupervisor } from '../runtime/greenroom.ts';

test('each call that is made is told of, with its outcome', async () => {
  const { supervisor, scratch } = await openSupervisor({ workbench: { fixture: 'workbench' } }, { inspect: true });
  const file = join(scratch, 'session.ndjson');
  const recording = await supervisor.inspector?.record(file);
  await supervisor.execute('workbench', { do: 'about' });
  await supervisor.execute('workbench', { do: 'fail' }).catch(() => {});
  await recording?.close();
  const records = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => JSON.parse(line) as InspectorRecord);
  const calls = records.filter((record) => record.kind === 'call');
  expect(calls.map(({ edge, outcome }) => [edge, outcome])).toEqual([
    ['start', undefined],
    ['end', 'ok'],
    ['start', undefined],
    ['end', 'E_REMOTE'],
  ]);
});
