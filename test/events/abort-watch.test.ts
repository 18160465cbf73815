import { getEventListeners } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { onAbort } from '../../src/events/abort-watch.ts';
import { openSupervisor } from '../runtime/greenroom.ts';

it('adds one listener to a signal for all who watch it, and none when they have left', () => {
  const { signal } = new AbortController();
  const listeners = () => getEventListeners(signal, 'abort').length;
  const ends = Array.from({ length: 20 }, () => onAbort(signal, () => {}));
  expect(listeners()).toBe(1);
  for (const end of [...ends, ...ends]) end();
  expect(listeners()).toBe(0);
});

it('tells each of them once, but for those that leave meanwhile', () => {
  const controller = new AbortController();
  const told: string[] = [];
  onAbort(controller.signal, () => {
    told.push('first');
    leave();
  });
  const leave = onAbort(controller.signal, () => told.push('second'));
  onAbort(controller.signal, () => told.push('third'));
  controller.abort();
  expect(told).toEqual(['first', 'third']);
  expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
});

it('tells them where others listen to the signal too, before and after', () => {
  const controller = new AbortController();
  const told: string[] = [];
  controller.signal.addEventListener('abort', () => told.push('before'));
  onAbort(controller.signal, () => told.push('watching'));
  controller.signal.addEventListener('abort', () => told.push('after'));
  controller.abort();
  expect(told).toEqual(['before', 'watching', 'after']);
});

it('lets any number of calls, loads and followed logs have one signal, without a warning', async () => {
  const { supervisor } = await openSupervisor({ workbench: { fixture: 'workbench' } });
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on('warning', onWarning);
  onTestFinished(() => void process.off('warning', onWarning));
  const controller = new AbortController();
  const { signal } = controller;
  await supervisor.load('workbench');
  const logs = Array.from({ length: 15 }, () =>
    supervisor.logs('workbench', { follow: true, signal })[Symbol.asyncIterator]().next(),
  );
  const calls = Array.from({ length: 15 }, () => supervisor.execute('workbench', { do: 'about' }, { signal }));
  await Promise.all([...calls, ...Array.from({ length: 15 }, () => supervisor.load('workbench', { signal }))]);
  const last = supervisor.execute('workbench', { do: 'wait', ms: 60_000 }, { signal });
  controller.abort();
  await expect(last).rejects.toMatchObject({ code: 'E_CANCELLED' });
  await Promise.all(logs);
  await new Promise((resolve) => setImmediate(resolve));
  expect(warnings).toEqual([]);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
