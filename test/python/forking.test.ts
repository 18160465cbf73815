import { afterEach, expect, it } from 'vitest';
import { framesOf, PythonWorker, valueOf } from './worker.ts';

const running: PythonWorker[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((worker) => worker.stop()));
});

async function start(className: string, concurrency?: number): Promise<PythonWorker> {
  const worker = new PythonWorker({ module: 'forking', class: className }, concurrency);
  running.push(worker);
  await worker.send('/initialize', { config: {} });
  return worker;
}

/** A plugin forks, the child comes back to the worker's code, and the parent's result is the child's exit status. */
const CHILDREN = [
  ['returns', 0],
  ['raises', 1],
  ['exits', 3],
  ['runs_what_is_not_there', 1],
  ['prints', 0],
  ['twice', 5],
  ['awaits', 0],
  ['holds', 0],
] as const;

it.each(CHILDREN)('a forked child that %s ends, and only the worker answers', async (how, status) => {
  const worker = await start('Forking');
  // The calls share one connection, where an answer too many would be taken for that of the next call.
  const socket = await worker.raw('/execute', { call: 'one', args: [how], kwargs: {} });
  let text = '';
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject).on('data', (data: Buffer) => {
      text += data;
      if (text.includes('}')) resolve();
    });
  });
  expect(text.slice(text.indexOf('{'))).toBe(`{"result":${status}}`);
  socket.destroy();
  expect(valueOf(await worker.execute({ how: 'returns' }), 'result')).toBe(0);
});

it.each(CHILDREN)('the same on a thread for calls: %s', async (how, status) => {
  const worker = await start('Forking', 2);
  expect(valueOf(await worker.execute({ how }), 'result')).toBe(status);
});

it('what a child prints and raises is in the log', async () => {
  const worker = await start('Forking');
  await worker.execute({ how: 'prints' });
  await worker.execute({ how: 'raises' });
  await worker.stop();
  expect(worker.output).toContain('said by the child');
  expect(worker.errors).toContain('ZeroDivisionError');
});

it('a child reports no progress of the call of its parent', async () => {
  const worker = await start('Forking');
  expect(framesOf(await worker.execute({ how: 'reports' }))).toEqual([
    { progress: 0.1, message: 'from the worker' },
    { result: 0 },
  ]);
});

it('a child of a stream sends no chunk', async () => {
  const worker = await start('Forking');
  const frames = framesOf(await worker.send('/execute_stream', { call: 'c' }));
  expect(frames).toEqual([{ chunk: 'before' }, { chunk: 'after' }, { end: true }]);
});

it('a child of anything but a call ends too', async () => {
  const worker = await start('AtLoad');
  expect(worker.output.match(/"greenroom"/g)).toHaveLength(1);
  expect((await worker.send('/cleanup', {})).status).toBe(200);
  expect(valueOf(await worker.execute(), 'result')).toBe('loaded');
});

it.each([
  ['processes', [1, 4, 9]],
  ['executor', [1, 4, 9]],
  ['program', 'out\n'],
])('multiprocessing, executors and programs work as ever: %s', async (how, expected) => {
  const worker = await start('Forking');
  expect(valueOf(await worker.execute({ how }), 'result')).toEqual(expected);
});
