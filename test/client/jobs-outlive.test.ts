import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createClient } from '../../src/client/client.ts';
import { folder, usePlugin } from '../cli/command-line.ts';
import { serve } from '../cli/served-daemon.ts';
import { eventually } from '../eventually.ts';

test('a job that ran when its daemon was killed ends in the next one, for the client that waits for it', async () => {
  usePlugin('workbench');
  const killed = await serve();
  const client = createClient({ dataDir: join(folder, 'home') });
  const door = join(folder, 'door');
  const job = await client.jobs.add('workbench', { do: 'wait', for: door });
  const result = job.result();
  await eventually(async () => expect((await job.read()).state).toBe('running'));
  killed.child.kill('SIGKILL');
  await killed.ended;
  writeFileSync(door, '');
  const next = await serve();
  expect(await result).toBe('waited');
  expect(await job.read()).toMatchObject({
    state: 'done',
    interruptions: 1,
    history: [{ end: 'interrupted', error: { code: 'E_INTERRUPTED' } }, { end: 'done' }],
  });
  await client.close();
  next.child.kill('SIGTERM');
  expect(await next.ended).toMatchObject({ status: 0 });
});
