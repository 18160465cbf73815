import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { door, failure, gone, openRoom, startCall } from './greenroom.ts';

interface About {
  readonly pid: number;
}

test('a description that changes is told and restarts nothing', async () => {
  const room = await openRoom({ workbench: { fixture: 'workbench' } }, { watch: true });
  const before = await room.supervisor.execute<About>('workbench', { do: 'about' });
  const told = new Promise<void>((resolve) => {
    room.supervisor.subscribe(({ plugins }) => {
      if (plugins[0]?.description === 'Another one') resolve();
    });
  });
  room.write('workbench', { fixture: 'workbench', description: 'Another one' });
  await told;
  const after = await room.supervisor.execute<About>('workbench', { do: 'about' });
  expect(after.pid).toBe(before.pid);
});

test('a changed environment replaces the worker: the new one takes calls while the old one ends its own', async () => {
  const room = await openRoom({ workbench: { fixture: 'workbench' } }, { watch: true });
  const { pid } = await room.supervisor.execute<About>('workbench', { do: 'about' });
  const { file, open } = door(room);
  const { running, result } = startCall(room, 'workbench', { do: 'wait', for: file, value: 'from the old one' });
  await running;
  const replaced = new Promise<void>((resolve) => {
    room.supervisor.subscribe(({ plugins }) => {
      if (plugins[0]?.generation === 2 && plugins[0].pid !== pid) resolve();
    });
  });
  room.write('workbench', { fixture: 'workbench', env_vars: { MODE: 'new' } });
  await replaced;
  const { env } = await room.supervisor.execute<{ env: Record<string, string> }>('workbench', { do: 'world' });
  expect(env['MODE']).toBe('new');
  open();
  expect(await result).toBe('from the old one');
  await gone([pid]);
  expect(room.snapshot('workbench')).toMatchObject({ restarts: 0, lastError: undefined });
});

test('a file that is broken while it is edited leaves what it said before in force', async () => {
  const room = await openRoom({ workbench: { fixture: 'workbench', description: 'As it was' } }, { watch: true });
  const noticed = new Promise<void>((resolve) => room.supervisor.on('problem', () => resolve()));
  const file = room.write('workbench', { fixture: 'workbench', description: 7 });
  await noticed;
  expect(room.supervisor.problems()).toMatchObject([{ file, field: 'description', severity: 'error' }]);
  expect(room.supervisor.plugin('workbench').info.description).toBe('As it was');
});

test('a manifest that is deleted takes its plugin with it', async () => {
  const room = await openRoom({});
  const file = room.write('workbench', { fixture: 'workbench' });
  await room.supervisor.discover();
  const { pid } = await room.supervisor.execute<About>('workbench', { do: 'about' });
  rmSync(file);
  await room.supervisor.discover();
  await gone([pid]);
  expect(await failure(room.supervisor.execute('workbench', {}))).toMatchObject({ code: 'E_UNKNOWN_PLUGIN' });
});
