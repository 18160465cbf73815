import { expect, test } from 'vitest';
import { eventually } from '../eventually.ts';
import { all, becomes, door, failure, openSupervisor, startCall } from './greenroom.ts';

test('the calls and streams that run and wait end with E_CANCELLED, and the worker stays for the next one', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench', max_concurrency: 2 } });
  const { supervisor } = opened;
  const { file } = door(opened);
  const running = startCall(opened, 'plugin', { do: 'wait', for: file });
  const stream = supervisor.stream('plugin', { pause: 1 });
  await stream.next();
  await running.running;
  const waiting = supervisor.execute('plugin', {});
  const reason = new Error('The user has left.');
  supervisor.cancelCalls('plugin', reason);
  for (const call of [running.result, all(stream), waiting]) {
    const error = await failure(call);
    expect(error).toMatchObject({ code: 'E_CANCELLED', plugin: 'plugin' });
    expect(error.message).toBe('The call to "plugin" was cancelled.');
    expect(error.cause).toBe(reason);
  }
  await eventually(async () =>
    expect(await supervisor.execute('plugin', { do: 'about' })).toMatchObject({ cancelled: 2 }),
  );
  expect(opened.snapshot('plugin')).toMatchObject({ generation: 1, waiting: 0 });
});

test('a call at the old worker is cancelled while a replacement takes over, and so is one at the new worker', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const { supervisor } = opened;
  const { file } = door(opened);
  const old = startCall(opened, 'plugin', { do: 'wait', for: file });
  await old.running;
  await supervisor.reload('plugin');
  const recent = startCall(opened, 'plugin', { do: 'wait', for: file });
  await recent.running;
  expect(opened.snapshot('plugin')).toMatchObject({ inFlight: 2, generation: 2, replacing: true });
  supervisor.cancelCalls('plugin');
  const errors = [await failure(old.result), await failure(recent.result)];
  expect(errors.map(({ code }) => code)).toEqual(['E_CANCELLED', 'E_CANCELLED']);
  expect(errors[0]?.cause).toEqual(new Error('cancelCalls("plugin") was called.'));
  await becomes(opened, 'plugin', { inFlight: 0, generation: 2, replacing: false });
});

test('calls that wait for memory are cancelled, and the plugin asks for none any more', async () => {
  const opened = await openSupervisor(
    { holder: { fixture: 'workbench' }, plugin: { fixture: 'workbench' } },
    { capacity: { slots: 1 } },
  );
  const { supervisor } = opened;
  const { file, open } = door(opened);
  const holder = startCall(opened, 'holder', { do: 'wait', for: file });
  await holder.running;
  const calls = [supervisor.execute('plugin', {}), supervisor.execute('plugin', {})];
  await becomes(opened, 'plugin', { state: 'spawning', phase: 'admitting', waiting: 2 });
  supervisor.cancelCalls('plugin');
  for (const call of calls) expect(await failure(call)).toMatchObject({ code: 'E_CANCELLED' });
  await becomes(opened, 'plugin', { state: 'discovered', phase: 'idle' });
  expect(supervisor.status().scheduling).toMatchObject({ waiting: 0 });
  open();
  await holder.result;
});

test('a load that waits goes on', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const loaded = opened.supervisor.load('plugin');
  const call = opened.supervisor.execute('plugin', {});
  opened.supervisor.cancelCalls('plugin');
  expect(await failure(call)).toMatchObject({ code: 'E_CANCELLED' });
  await loaded;
  expect(opened.snapshot('plugin')).toMatchObject({ state: 'ready', generation: 1 });
});

test('a call whose input is being saved to a file is cancelled, and never reaches the plugin', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  let save = (_file: string): void => {};
  const saved = new Promise<string>((resolve) => {
    save = resolve;
  });
  const call = opened.supervisor.execute('plugin', { value: { toTempFile: () => saved } });
  opened.supervisor.cancelCalls('plugin');
  expect(await failure(call)).toMatchObject({ code: 'E_CANCELLED' });
  save(opened.write('file-of-a-value', {}));
  expect(opened.path('plugin')).toEqual([]);
});

test('where there is no call it does nothing, in any state and however often', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench', restart: { intensity: 0 } } });
  const { supervisor } = opened;
  const stays = (): void => {
    const before = opened.snapshot('plugin');
    for (const _ of [1, 2]) expect(supervisor.cancelCalls('plugin')).toBeUndefined();
    expect(opened.snapshot('plugin')).toEqual(before);
  };
  stays();
  await supervisor.load('plugin');
  stays();
  await supervisor.release('plugin');
  stays();
  supervisor.disable('plugin');
  stays();
  supervisor.enable('plugin');
  await failure(supervisor.execute('plugin', { do: 'exit', code: 7 }));
  await eventually(() => expect(opened.snapshot('plugin')).toMatchObject({ state: 'crashed', phase: 'failed' }));
  stays();
  expect(() => supervisor.cancelCalls('plugn')).toThrow(/Did you mean "plugin"/);
  await supervisor.stop();
  expect(() => supervisor.cancelCalls('plugin')).toThrow(/stopp/);
});
