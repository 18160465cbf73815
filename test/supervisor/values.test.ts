import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { all, door, failure, openRoom, type Room, startCall } from './greenroom.ts';

function cycle(): Record<string, unknown> {
  const value: Record<string, unknown> = { list: [{}] };
  value['list'] = [{ back: value }];
  return value;
}

test.each([
  ['NaN', { value: { rate: [1, Number.NaN] } }, 'input.value.rate[1] is NaN'],
  ['infinity', { value: Number.NEGATIVE_INFINITY }, 'input.value is -Infinity'],
  ['a cycle', cycle(), 'input.list[0].back refers back'],
  ['a BigInt', { value: { n: 1n } }, 'input.value.n is a BigInt'],
  ['a function', { value: () => 1 }, 'input.value is a function'],
  ['bytes', { value: new Uint8Array(3) }, 'input.value is binary data'],
])('%s in the input is a typed error that says where, and no worker starts for it', async (_, input, where) => {
  const room = await openRoom({ plugin: { fixture: 'workbench' } });
  for (const call of [room.supervisor.execute('plugin', input), room.supervisor.stream('plugin', input).next()]) {
    const error = await failure(call);
    expect(error).toMatchObject({ code: 'E_SERIALIZE', plugin: 'plugin', message: expect.stringContaining(where) });
  }
  expect(room.transitions).toEqual([]);
});

test('an object becomes named arguments, a list positional ones, anything else the only one', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench-python' } });
  const { supervisor } = room;
  expect(await supervisor.execute('plugin', { do: 'note', text: 'named' })).toEqual(['named']);
  expect(await supervisor.execute('plugin', ['about'])).toMatchObject({ calls: ['named'] });
  expect(await supervisor.execute('plugin', 'about')).toMatchObject({ calls: ['named'] });
  expect(await supervisor.execute('plugin')).toBeNull();
});

test.each([
  ['workbench', 100],
  ['workbench-python', 30],
])('an input arrives at %s whole, however large (%i MB)', async (fixture, megabytes) => {
  const room = await openRoom({ plugin: { fixture } });
  const text = 'ä'.repeat(megabytes * 500_000);
  const result = await room.supervisor.execute<string>('plugin', { value: text });
  expect(result === text).toBe(true);
});

test.each(['nan', 'bigint', 'cycle', 'function'])(
  'a result that is not JSON (%s) is a typed error of that call alone',
  async (kind) => {
    const room = await openRoom({ plugin: { fixture: 'workbench' } });
    const error = await failure(room.supervisor.execute('plugin', { do: 'odd', kind }));
    expect(error).toMatchObject({ code: 'E_SERIALIZE', plugin: 'plugin' });
    expect(await room.supervisor.execute('plugin', { value: 'fine' })).toBe('fine');
    expect(room.snapshot('plugin').generation).toBe(1);
  },
);

test("a plugin's own error comes with its type, message, category, details and stack", async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench' } });
  const error = await failure(room.supervisor.execute('plugin', { do: 'fail' }));
  expect(error).toMatchObject({
    code: 'E_REMOTE',
    plugin: 'plugin',
    remote: {
      type: 'RangeError',
      message: 'out of range',
      category: 'input',
      details: { limit: 3 },
      stack: expect.stringContaining('workbench.mjs'),
    },
  });
});

test.each(['string', 'null', 'object', 'getter'])(
  'whatever a plugin throws (%s) is an error of that call alone',
  async (how) => {
    const room = await openRoom({ plugin: { fixture: 'workbench' } });
    expect((await failure(room.supervisor.execute('plugin', { do: 'fail', how }))).code).toBe('E_REMOTE');
    expect(await room.supervisor.execute('plugin', { value: 1 })).toBe(1);
  },
);

test('a Python exception that cannot even be printed is an error of that call alone', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench-python' } });
  expect(await failure(room.supervisor.execute('plugin', { do: 'fail' }))).toMatchObject({
    code: 'E_REMOTE',
    remote: { type: expect.stringContaining('Unprintable') },
  });
  expect(await room.supervisor.execute('plugin', { value: 1 })).toBe(1);
});

test.each([
  ['workbench', { count: 5, failAt: 3 }, 'TypeError'],
  ['workbench-python', { count: 5, fail_at: 3 }, 'KeyError'],
])('a stream of %s that fails midway gives what came before, then the error', async (fixture, input, type) => {
  const room = await openRoom({ plugin: { fixture } });
  const chunks: unknown[] = [];
  const reading = (async () => {
    for await (const chunk of room.supervisor.stream('plugin', input)) chunks.push(chunk);
  })();
  expect(await failure(reading)).toMatchObject({ code: 'E_REMOTE', remote: { type } });
  expect(chunks).toHaveLength(3);
  expect(await room.supervisor.execute('plugin', { value: 1 })).toBe(1);
});

test('a stream whose worker dies midway gives what came before, then the crash', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench' } });
  const chunks: unknown[] = [];
  const reading = (async () => {
    for await (const chunk of room.supervisor.stream('plugin', { count: 5, dieAt: 3, pause: 20 })) chunks.push(chunk);
  })();
  expect(await failure(reading)).toMatchObject({ code: 'E_CRASHED', details: { exitCode: 3 } });
  expect(chunks).toHaveLength(3);
});

test('a stream starts with its first next and not before', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench' } });
  const stream = room.supervisor.stream('plugin', { count: 2 });
  expect(room.transitions).toEqual([]);
  expect(await all(stream)).toEqual([
    { index: 0, filler: 'x' },
    { index: 1, filler: 'x' },
  ]);
});

test("leaving a stream's loop cancels it at the worker, which then takes the next call", async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench' } });
  for await (const { index } of room.supervisor.stream<{ index: number }>('plugin', { pause: 1 }))
    if (index === 3) break;
  const about = await room.supervisor.execute<{ cancelled: number; produced: number }>('plugin', { do: 'about' });
  expect(about.cancelled).toBe(1);
});

test('a reader that stops holds the producer back, and gets every chunk once it goes on', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench', max_concurrency: 2 } });
  const { supervisor } = room;
  const count = 3_000;
  const stream = supervisor.stream<{ index: number }>('plugin', { count, size: 50_000 });
  await stream.next();
  const produced = async (): Promise<number> =>
    (await supervisor.execute<{ produced: number }>('plugin', { do: 'about' })).produced;
  // Held back: two looks apart show the same number.
  let before = -1;
  await vi.waitFor(
    async () => {
      const now = await produced();
      const same = now === before;
      before = now;
      expect(same).toBe(true);
    },
    { interval: 100, timeout: 10_000 },
  );
  expect(before).toBeLessThan(count);
  const rest = await all(stream);
  expect(rest.map(({ index }) => index)).toEqual(Array.from({ length: count - 1 }, (_, index) => index + 1));
});

/** A value that saves itself, and tells where. */
function savable(room: Room, name: string): { toTempFile(): string; file: string } {
  const file = join(room.scratch, name);
  return {
    file,
    toTempFile() {
      writeFileSync(file, `content of ${name}`);
      return file;
    },
  };
}

const removed = (file: string): Promise<void> =>
  vi.waitFor(() => expect(existsSync(file)).toBe(false), { interval: 5, timeout: 5_000 });

test('a value that can save itself travels as a path, and its file is removed after the call', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench' } });
  const audio = savable(room, 'audio');
  expect(await room.supervisor.execute('plugin', { do: 'read', file: audio })).toEqual({
    path: audio.file,
    text: 'content of audio',
  });
  await removed(audio.file);
});

test('the file of such a value is removed after an error and after a cancel, too', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench' } });
  const [failing, cancelled, waiting] = ['failing', 'cancelled', 'waiting'].map((name) => savable(room, name)) as [
    ReturnType<typeof savable>,
    ReturnType<typeof savable>,
    ReturnType<typeof savable>,
  ];
  await failure(room.supervisor.execute('plugin', { do: 'fail', file: failing }));
  await removed(failing.file);
  const controller = new AbortController();
  const { file } = door(room);
  const call = startCall(room, 'plugin', { do: 'wait', for: file, file: cancelled }, { signal: controller.signal });
  await call.running;
  const queued = room.supervisor.execute('plugin', { file: waiting }, { signal: controller.signal });
  expect(existsSync(cancelled.file)).toBe(true);
  await vi.waitFor(() => expect(room.snapshot('plugin').waiting).toBe(1), { interval: 2 });
  controller.abort();
  await failure(call.result);
  await failure(queued);
  await removed(cancelled.file);
  await removed(waiting.file);
});

test('a value that fails to save itself is a typed error, and what others saved is removed', async () => {
  const room = await openRoom({ plugin: { fixture: 'workbench' } });
  const good = savable(room, 'good');
  const bad = {
    toTempFile() {
      throw new Error('the disk is full');
    },
  };
  const error = await failure(room.supervisor.execute('plugin', { good, bad }));
  expect(error).toMatchObject({ code: 'E_SERIALIZE', message: expect.stringContaining('toTempFile() of input.bad') });
  await removed(good.file);
});
