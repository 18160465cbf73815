import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { FIXTURES } from '../fixtures/plugins.ts';
import { gone, openSupervisor } from '../runtime/greenroom.ts';

const HOST = fileURLToPath(new URL('../fixtures/hosts/blocking-host.mjs', import.meta.url));
const IN_THREADS = fileURLToPath(new URL('../fixtures/hosts/in-threads.cjs', import.meta.url));

/** Starts a program that blocks; `what` is done in its threads once `file` exists. */
async function startHost(way: string, what?: string) {
  const { scratch, dataDir } = await openSupervisor({});
  const file = join(scratch, 'file');
  const sockets = join(scratch, 'run');
  mkdirSync(sockets);
  const host = spawn(process.execPath, [HOST, join(FIXTURES, 'workbench'), dataDir, way, join(scratch, 'answer')], {
    env: {
      ...process.env,
      XDG_RUNTIME_DIR: sockets,
      ...(what === undefined
        ? {}
        : { NODE_OPTIONS: `--require ${IN_THREADS}`, GREENROOM_TEST_THREAD: what, GREENROOM_TEST_FILE: file }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void host.kill('SIGKILL'));
  const errors = text(host.stderr);
  const lines = createInterface({ input: host.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => String((await lines.next()).value);
  return { host, dataDir, sockets, file, answer: join(scratch, 'answer'), line, errors, exited: once(host, 'exit') };
}

/** Sends SIGINT until the program does something about it: one that comes between two waits is not seen in them. */
function interrupt(host: { kill(signal: 'SIGINT'): boolean }): () => void {
  host.kill('SIGINT');
  const timer = setInterval(() => host.kill('SIGINT'), 200);
  onTestFinished(() => clearInterval(timer));
  return () => clearInterval(timer);
}

test.each([
  ['end', 0],
  ['exit', 3],
  ['throw', 1],
  ['half-read', 0],
])(
  'a program that leaves by "%s" stops its supervisor, and the next start has nothing to warn of',
  async (way, status) => {
    const { dataDir, sockets, line, errors, exited } = await startHost(way);
    const pid = Number(await line());
    expect(await exited).toEqual([status, null]);
    await gone([pid]);
    expect(readdirSync(join(dataDir, 'supervisors'))).toEqual([]);
    expect(readdirSync(sockets)).toEqual([]);
    if (way === 'throw') expect(await errors).toContain('Error: uncaught');
    else expect(await errors).toBe('');
  },
);

test('Ctrl-C ends a program that waits in a call', async () => {
  const { host, line, exited } = await startHost('wait');
  const pid = Number(await line());
  expect(await line()).toBe('waiting');
  host.kill('SIGINT');
  expect(await exited).toEqual([null, 'SIGINT']);
  await gone([pid]);
});

test('Ctrl-C reaches the SIGINT listener of a program that waits in a call', async () => {
  const { host, line, exited } = await startHost('handle');
  const pid = Number(await line());
  expect(await line()).toBe('waiting');
  const enough = interrupt(host);
  expect(await line()).toBe('handled');
  enough();
  expect(await exited).toEqual([7, null]);
  await gone([pid]);
});

test('a call that Ctrl-C has ended throws where the listener does not exit, and the next has its own answer', async () => {
  const { host, answer, line, exited } = await startHost('go-on');
  const pid = Number(await line());
  expect(await line()).toBe('waiting');
  const enough = interrupt(host);
  expect(await line()).toBe('handled');
  enough();
  writeFileSync(answer, '');
  const rest: string[] = [];
  for (let next = await line(); next !== 'undefined'; next = await line()) rest.push(next);
  expect(rest.filter((each) => each !== 'handled')).toEqual(['E_CANCELLED', 'the next']);
  expect(await exited).toEqual([0, null]);
  await gone([pid]);
});

test('a stream that Ctrl-C interrupts names the method that was waited for', async () => {
  const { host, line, exited } = await startHost('read');
  const pid = Number(await line());
  expect(await line()).toBe('waiting');
  const enough = interrupt(host);
  expect(await line()).toBe('handled');
  enough();
  let said = await line();
  while (said === 'handled') said = await line();
  expect(said).toBe('next() was cancelled: the program got SIGINT while it waited.');
  expect(await exited).toEqual([0, null]);
  await gone([pid]);
});

test('a thread that cannot start ends the wait with its error', async () => {
  const { errors, exited } = await startHost('wait', 'fail');
  expect(await exited).toEqual([1, null]);
  const told = await errors;
  expect(told).toContain('The thread of the supervisor cannot start: no thread for you.');
  expect(told).toContain("code: 'E_START'");
  expect(told).toContain('blocking-host.mjs');
});

test.each([
  ['throw', 'The thread of the supervisor ended: the thread has had enough. Create another'],
  ['exit', 'The thread of the supervisor ended: it exited with status 9. Create another'],
])('a thread that dies by "%s" ends the wait with its error', async (what, message) => {
  const { file, line, errors, exited } = await startHost('wait', what);
  const pid = Number(await line());
  expect(await line()).toBe('waiting');
  writeFileSync(file, '');
  expect(await exited).toEqual([1, null]);
  const told = await errors;
  expect(told).toContain(message);
  expect(told).toContain("code: 'E_CRASHED'");
  await gone([pid]);
});

test('what the thread prints appears while the program waits', async () => {
  const { file, answer, line, exited } = await startHost('wait', 'print');
  const pid = Number(await line());
  expect(await line()).toBe('waiting');
  writeFileSync(file, '');
  expect(await line()).toBe('printed in the thread');
  writeFileSync(answer, '');
  expect(await line()).toBe('waited');
  expect(await exited).toEqual([0, null]);
  await gone([pid]);
});
