// What a program is told that uses the library wrongly, or asks how things stand.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createSupervisor, type GreenroomError } from '../../src/index.ts';
import { becomes, failure, openSupervisor } from '../runtime/greenroom.ts';

const HERE = fileURLToPath(import.meta.url);

test('an unknown option of a call or a load is told with the nearest, or with the known ones', async () => {
  const { supervisor } = await openSupervisor({ a: { fixture: 'workbench' } });
  const call = await failure(supervisor.execute('a', {}, { timeout: 5 } as object));
  expect(call).toMatchObject({
    code: 'E_OPTIONS',
    message: 'The options of a call to "a": unknown option "timeout"; did you mean "timeoutMs"?',
  });
  const load = await failure(supervisor.load('a', { shout: true } as object));
  expect(load).toMatchObject({
    code: 'E_OPTIONS',
    message: expect.stringMatching(/load\(\): unknown option "shout"; known: .*config/),
  });
});

test('an unknown option of createSupervisor is told with the nearest', async () => {
  const error = await failure(createSupervisor({ searchPath: 'plugins' } as object));
  expect(error).toMatchObject({
    code: 'E_OPTIONS',
    message:
      'Invalid settings in the options of createSupervisor(): unknown option "searchPath"; did you mean "searchPaths"?',
  });
});

test('a search path that does not exist is a problem that names it, until it is there', async () => {
  let missing = '';
  const opened = await openSupervisor({}, ({ scratch, plugins }) => {
    missing = join(scratch, 'not', 'yet');
    return { searchPaths: [plugins, missing], watch: true };
  });
  expect(opened.supervisor.problems()).toEqual([
    {
      file: missing,
      reason: 'the search path does not exist; its plugins are picked up once there is one',
      severity: 'warning',
    },
  ]);
  mkdirSync(missing, { recursive: true });
  expect(opened.supervisor.problems()).toEqual([]);
});

/** The frames of this file in a stack, by the names of their functions. */
function callersIn({ stack = '' }: GreenroomError): string[] {
  return stack
    .split('\n')
    .flatMap((line) => (line.includes(HERE) ? [/at (?:async )?(\w+)/.exec(line)?.[1] ?? ''] : []));
}

test('an error anywhere has the frames of the caller: of a call, of a stream, of a load, and of each that one crash ends', async () => {
  const opened = await openSupervisor({
    a: { fixture: 'workbench', max_concurrency: 2 },
    broken: { worker: 'command', command: 'false' },
  });
  const { supervisor } = opened;
  async function callsIt(): Promise<void> {
    await supervisor.execute('a', { do: 'fail' });
  }
  async function timesOut(): Promise<void> {
    await supervisor.execute('a', { do: 'wait', for: join(opened.scratch, 'never') }, { timeoutMs: 1 });
  }
  async function streamsIt(): Promise<void> {
    for await (const _ of supervisor.stream('a', { failAt: 1 })) continue;
  }
  async function loadsIt(): Promise<void> {
    await supervisor.load('broken');
  }
  async function ends(): Promise<void> {
    await supervisor.execute('a', { do: 'exit', code: 3 });
  }
  async function isEnded(): Promise<void> {
    await supervisor.execute('a', { do: 'wait', for: join(opened.scratch, 'never') });
  }
  for (const caller of [callsIt, timesOut, streamsIt, loadsIt]) {
    const callers = callersIn(await failure(caller()));
    expect(callers[0], caller.name).toBe(caller.name);
  }
  // The call that took too long may still be given up by its worker.
  await becomes(opened, 'a', { inFlight: 0 });
  const other = failure(isEnded());
  await becomes(opened, 'a', { inFlight: 1 });
  const [first, second] = await Promise.all([failure(ends()), other]);
  expect([first, second]).toMatchObject([{ code: 'E_CRASHED' }, { code: 'E_CRASHED', details: { exitCode: 3 } }]);
  expect([callersIn(first)[0], callersIn(second)[0]]).toEqual(['ends', 'isEnded']);
});

test('a refusal for want of GPU memory names the memory that is short, in figures that can be read', async () => {
  const { supervisor } = await openSupervisor(
    { big: { fixture: 'workbench', resources: { min_gpu_vram_mb: 22_920.0078125 } } },
    { capacity: { vramMb: 8_192, ramMb: 65_536 } },
  );
  const { code, message } = await failure(supervisor.load('big'));
  expect(code).toBe('E_REFUSED');
  expect(message).toMatch(
    /^"big" was refused by the policy "queue": it needs more than the whole capacity .*\(never-fits\)\. It needs 22\.4 GiB of GPU memory and 1 slot; free: 8 GiB of GPU memory and \d+(\.\d)? GiB of RAM; 14\.4 GiB of GPU memory short\. Call explain\("big"\) for details\.$/,
  );
});

test('explain tells when each candidate was last used and whether it is kept, what is free, and a state once', async () => {
  const model = (vram: number) => ({ fixture: 'workbench', resources: { min_gpu_vram_mb: vram } });
  const { supervisor } = await openSupervisor(
    { a: model(10), b: model(100), c: model(100) },
    { capacity: { vramMb: 110 } },
  );
  for (const plugin of ['a', 'b', 'c']) await supervisor.execute(plugin, { do: 'about' });
  expect(supervisor.explain('c').lines[0]).toMatch(/^"c" has been ready for \d+\.\d s\.$/);
  const lines = supervisor.explain('b').lines.join('\n');
  expect(lines).toMatch(/^rank {5}b \(worker 1\), last used \d+\.\d s ago: evicted$/m);
  expect(lines).toMatch(/^rank {5}a \(worker 1\), last used \d+\.\d s ago: kept$/m);
  expect(lines).not.toMatch(/\d{10}|\d\.\d{4}/);
});

test('explain says that what has no limit is unlimited', async () => {
  const free = await openSupervisor({ d: { fixture: 'workbench' } });
  await free.supervisor.load('d');
  expect(free.supervisor.explain('d').lines).toContain('free now unlimited');
});

test('a stop tells of no transition of a plugin that never ran', async () => {
  const opened = await openSupervisor({ ran: { fixture: 'workbench' }, never: { fixture: 'workbench' } });
  await opened.supervisor.load('ran');
  await opened.supervisor.stop();
  expect(opened.path('never')).toEqual([]);
  expect(opened.transitions.at(-1)).toMatchObject({ plugin: 'ran', from: 'ready', to: 'discovered' });
});

test('each crash is one warning in the log, with its reason', async () => {
  const log = new PassThrough();
  const lines: Record<string, unknown>[] = [];
  log.on('data', (data: Buffer) => {
    for (const line of data.toString().trim().split('\n')) lines.push(JSON.parse(line) as Record<string, unknown>);
  });
  const opened = await openSupervisor({ a: { fixture: 'workbench' } }, { logger: pino({ level: 'warn' }, log) });
  const crashed = opened.entered('a', 'crashed');
  await failure(opened.supervisor.execute('a', { do: 'exit', code: 3 }));
  await crashed;
  await opened.supervisor.load('a');
  expect(lines).toMatchObject([
    { plugin: 'a', msg: 'plugin crashed', reason: expect.stringMatching(/exited with status 3/) },
  ]);
});
