import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { all, openRoom } from './greenroom.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test('a stream that the program drops halfway is cancelled when it is collected, and its lease comes back', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench' } });
  const { supervisor } = room;
  const idle = room.entered('plugin', 'ready');
  const readOne = async (): Promise<void> => {
    await supervisor.stream('plugin', { count: 1_000_000 })[Symbol.asyncIterator]().next();
  };
  await supervisor.load('plugin');
  await idle;
  const back = room.entered('plugin', 'ready');
  await readOne();
  const timer = setInterval(collect, 20);
  try {
    await back;
  } finally {
    clearInterval(timer);
  }
  expect(room.snapshot('plugin').inFlight).toBe(0);
  expect((await all(supervisor.stream('plugin', { count: 3 }))).length).toBeGreaterThan(0);
});
