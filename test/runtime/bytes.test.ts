import { deepStrictEqual } from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { Arguments } from '../../src/index.ts';
import { all, failure, type ManifestOf, openSupervisor } from './greenroom.ts';

const CONFORMANCE = fileURLToPath(new URL('../fixtures/conformance', import.meta.url));

/** Whose calls can have bytes: a workbench, what its bytes are called there, and a plugin that gives its arguments back. */
const CARRIERS: [name: string, workbench: string, type: string, conformance: ManifestOf][] = [
  ['a Node plugin', 'workbench', 'Buffer', { module: join(CONFORMANCE, 'plugin.mjs') }],
  [
    'a Python plugin',
    'workbench-python',
    'bytes',
    { module: join(CONFORMANCE, 'plugin.py'), class: 'ConformancePlugin' },
  ],
];

const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

/** More than goes over a connection that calls share. */
const LARGE = randomBytes(300 * 1024);

const DEEP = { list: [EVERY_BYTE, [{ deep: Buffer.alloc(0), none: null }]], large: LARGE, text: 'ä' };

describe.each(CARRIERS)('bytes, by %s,', (_name, fixture, type, conformance) => {
  test.each([1, 3])(
    'go both ways at any depth in input, result, chunk and details, %i calls at once',
    async (max_concurrency) => {
      const { supervisor } = await openSupervisor({ plugin: { fixture, max_concurrency } });
      for (const value of [DEEP, EVERY_BYTE, LARGE, Buffer.alloc(0), [EVERY_BYTE]]) {
        same(await supervisor.execute('plugin', { value }), value);
        same(await all(supervisor.stream('plugin', { values: [1, value, value] })), [1, value, value]);
        const error = await failure(supervisor.execute('plugin', { do: 'complain', details: value }));
        expect(error).toMatchObject({ code: 'E_REMOTE', remote: { message: 'out of range' } });
        same(error.remote?.details, value);
      }
      const many = Array.from({ length: 20 }, (_, at) => ({ at, own: Buffer.alloc(at * 20_000, at) }));
      same(await Promise.all(many.map((value) => supervisor.execute('plugin', { value }))), many);
    },
  );

  test('are bytes there, whichever of their types they have here, and as they were at the call', async () => {
    const { supervisor } = await openSupervisor({ plugin: { fixture } });
    const sha256 = createHash('sha256').update(EVERY_BYTE).digest('hex');
    const memory = new Uint8Array(Buffer.concat([LARGE, EVERY_BYTE, LARGE])).buffer;
    const view = new Uint8Array(memory, LARGE.length, EVERY_BYTE.length);
    const copy = Uint8Array.from(EVERY_BYTE);
    const calls = [view, copy, copy.slice().buffer].map((value) => supervisor.execute('plugin', { do: 'hash', value }));
    copy.fill(0);
    view.fill(0);
    for (const result of await Promise.all(calls)) expect(result).toEqual({ type, sha256 });
  });

  test('go in positional and keyword arguments together, and alone as the only one', async () => {
    const { supervisor } = await openSupervisor({ plugin: conformance });
    const input = new Arguments([{ do: 'args' }, [EVERY_BYTE]], { do: 'args', data: LARGE });
    same(await supervisor.execute('plugin', input), {
      args: [{ do: 'args' }, [EVERY_BYTE]],
      kwargs: { do: 'args', data: LARGE },
    });
    same(await supervisor.execute('plugin', { value: EVERY_BYTE }, { tool: 'echo' }), EVERY_BYTE);
  });

  test('of 8 MiB come back as they were, time after time, and memory stays as it is', async () => {
    const opened = await openSupervisor({ plugin: { fixture } });
    const image = randomBytes(8 * 2 ** 20);
    const show = async (): Promise<void> => {
      const shown = await opened.supervisor.execute<Buffer>('plugin', { value: image });
      expect(shown.equals(image)).toBe(true);
    };
    const memory = async (): Promise<{ host: number; worker: number }> => {
      // What is let go of is freed beside the event loop.
      for (let turns = 0; turns < 3; turns += 1) {
        collect();
        await turn();
      }
      return { host: process.memoryUsage().arrayBuffers / 2 ** 20, worker: rssMb(opened.snapshot('plugin').pid ?? 0) };
    };
    for (let round = 0; round < 10; round += 1) await show();
    const before = await memory();
    for (let round = 0; round < ROUNDS; round += 1) await show();
    const after = await memory();
    expect(after.host - before.host).toBeLessThan(4 * 8);
    // What is still to be collected there, and not a half of what has passed.
    expect(after.worker - before.worker).toBeLessThan(ROUNDS * 4);
  });

  test('of more than 256 MiB in one input are refused at the call, with the limit and what to do', async () => {
    const opened = await openSupervisor({ plugin: { fixture } });
    const half = new Uint8Array(130 * 2 ** 20);
    const error = await failure(opened.supervisor.execute('plugin', { value: [half, half] }));
    expect(error).toMatchObject({
      code: 'E_SERIALIZE',
      message: expect.stringMatching(/input\.value\[1\] .*more than 256 MiB; pass them in pieces, or as the path/),
    });
    const input = new Arguments([half], { value: half });
    expect(await failure(opened.supervisor.stream('plugin', input).next())).toMatchObject({
      code: 'E_SERIALIZE',
      message: expect.stringMatching(/more than 256 MiB.* or as the paths? /),
    });
    expect(opened.transitions).toEqual([]);
  });

  test('are refused over version 1 of the protocol, in either direction, and its worker goes on', async () => {
    const opened = await openSupervisor({ plugin: { fixture } }, { protocol: 1 });
    const { supervisor } = opened;
    for (const call of [
      supervisor.execute('plugin', { value: [EVERY_BYTE] }),
      supervisor.stream('plugin', { values: [EVERY_BYTE] }).next(),
    ]) {
      expect(await failure(call)).toMatchObject({
        code: 'E_SERIALIZE',
        plugin: 'plugin',
        message: expect.stringMatching(
          /version 1 of the worker protocol.*pass them as base64, or as the path of a file/,
        ),
      });
    }
    expect(await supervisor.execute('plugin', { value: 'fine' })).toBe('fine');
    expect(opened.snapshot('plugin').generation).toBe(1);
  });
});

test('bytes that a Node plugin gives over version 1 of the protocol are a typed error of that call alone', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } }, { protocol: 1 });
  const refused = { code: 'E_SERIALIZE', message: expect.stringContaining('list[1].odd is binary data') };
  expect(await failure(opened.supervisor.execute('plugin', { do: 'odd', kind: 'bytes' }))).toMatchObject(refused);
  expect(await failure(all(opened.supervisor.stream('plugin', { odd: 'bytes' })))).toMatchObject(refused);
  expect(await opened.supervisor.execute('plugin', { value: 'fine' })).toBe('fine');
  expect(opened.snapshot('plugin').generation).toBe(1);
});

test('a program that speaks version 1 alone is sent no bytes, and its next call is answered', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'bare' } });
  expect(await failure(opened.supervisor.execute('plugin', { value: EVERY_BYTE }))).toMatchObject({
    code: 'E_SERIALIZE',
    message: expect.stringContaining('its worker speaks version 1'),
  });
  await opened.supervisor.execute('plugin', {});
  expect(opened.snapshot('plugin')).toMatchObject({ generation: 1, restarts: 0 });
});

/** How often the image is shown; `ROUNDS=100` for more. */
const ROUNDS = Number(process.env['ROUNDS'] ?? 30);

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function rssMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** Compares bytes as fast as they can be; `toStrictEqual` looks at each alone. */
function same(value: unknown, expected: unknown): void {
  deepStrictEqual(value, expected);
}
