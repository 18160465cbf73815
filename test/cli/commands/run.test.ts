import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { FIXTURES } from '../../fixtures/plugins.ts';
import { folder, greenroom, shown, start, usePlugin, write } from '../command-line.ts';

const COMMAND_EXAMPLE = fileURLToPath(new URL('../../../examples/plugins/hello-command/', import.meta.url));

describe('run', () => {
  test('prints the result: readable for people, on one line for programs', async () => {
    usePlugin('workbench');
    const input = JSON.stringify({ value: { a: [1] } });
    expect((await greenroom('run', 'workbench', input)).stdout).toBe('{\n  "a": [\n    1\n  ]\n}\n');
    expect((await greenroom('run', 'workbench', input, '--json')).stdout).toBe('{"a":[1]}\n');
  });

  test('starts one worker, however many instances the manifest wants', async () => {
    const tools = [{ name: 'read' }];
    usePlugin('toolbox', { instances: 3, env_vars: { TOOLS: JSON.stringify(tools) } });
    await greenroom('list', '--tools');
    await greenroom('run', 'toolbox', '--tool', 'read');
    const { stdout } = await greenroom('logs', 'toolbox');
    expect(stdout.match(/worker started/g)).toHaveLength(2);
  });

  test('calls a tool of the plugin, and says which there are where it has no such tool', async () => {
    usePlugin('toolbox', { tools: [{ name: 'read' }, { name: 'write' }] });
    const result = await greenroom('run', 'toolbox', '{"a":1}', '--tool', 'read', '--json');
    expect(JSON.parse(result.stdout)).toMatchObject({ tool: 'read', kwargs: { a: 1 } });
    const chunks = await greenroom('run', 'toolbox', '--tool', 'write', '--stream');
    expect(JSON.parse(chunks.stdout)).toMatchObject({ tool: 'write' });
    const { status, stderr } = await greenroom('run', 'toolbox', '--tool', 'raed');
    expect(status).toBe(4);
    expect(stderr).toBe(
      'error: "toolbox" has no tool "raed". Did you mean "read"? Its tools: read, write.\n' +
        'hint:  The tools of all plugins: greenroom list --tools\n',
    );
  });

  test('refuses an input that does not fit the tool before it is sent, by what the worker says, at the first call, too', async () => {
    const tools = [{ name: 'read', input_schema: { properties: { path: { type: 'string' } }, required: ['path'] } }];
    const journal = join(folder, 'journal');
    usePlugin('toolbox', { env_vars: { TOOLS: JSON.stringify(tools), JOURNAL: journal } });
    // The first one starts it to learn its tools, the second knows them from before.
    for (const _ of [1, 2]) {
      const { status, stderr } = await greenroom('run', 'toolbox', '--tool', 'read', '--arg', 'pth=a');
      expect(status).toBe(4);
      expect(stderr).toContain('input.path: missing; expected a string');
    }
    expect(readFileSync(journal, 'utf8')).not.toContain('/execute');
    const fitting = await greenroom('run', 'toolbox', '--tool', 'read', '--arg', 'path=a', '--timeout', '60', '--json');
    expect(JSON.parse(fitting.stdout)).toMatchObject({ tool: 'read', kwargs: { path: 'a' } });
  });

  test('prints nothing of what a plugin says for a variable of a library', async () => {
    usePlugin('workbench');
    const run = start(['run', 'workbench', '{"value":1}', '--json'], { env: { NODE_DEBUG: 'execa' } });
    expect(await run.ended).toMatchObject({ status: 0, stdout: '1\n', stderr: '' });
  });

  test('takes the input from fields, from standard input, or from nowhere', async () => {
    usePlugin('workbench');
    const fields = await greenroom(
      'run',
      'workbench',
      '{"value":0}',
      '-a',
      'value={"n":1}',
      '--arg',
      'other=a=b',
      '--json',
    );
    expect(fields.stdout).toBe('{"n":1}\n');
    const text = await greenroom('run', 'workbench', '--arg', 'value=so it is', '--json');
    expect(text.stdout).toBe('"so it is"\n');
    const piped = await start(['run', 'workbench', '-', '--json'], { input: '{"value":7}' }).ended;
    expect(piped.stdout).toBe('7\n');
    expect((await greenroom('run', 'workbench')).stdout).toBe('null\n');
  });

  test('passes on what was typed, or refuses it: numbers that cannot be sent, and names given twice', async () => {
    usePlugin('workbench-python');
    const id = '6687881544318117707';
    const refused = async (message: string, ...args: string[]): Promise<void> => {
      const { status, stdout, stderr } = await greenroom('run', 'workbench-python', ...args);
      expect({ status, stdout }).toEqual({ status: args[0] === '--arg' && args.length > 2 ? 2 : 4, stdout: '' });
      expect(stderr).toContain(message);
    };
    await refused(
      'input.value.ids[1] is 1e400, which a number in JavaScript cannot hold',
      '{"value":{"ids":[1,1e400]}}',
    );
    await refused('--arg value is 1e400', '--arg', 'value=1e400');
    await refused('input.value.a is given twice', '{"value":{"a":1,"a":2}}');
    await refused('config.size is given twice', '--config', '{"size":1,"size":2}');
    await refused('--arg value is given twice', '--arg', 'value=1', '--arg', 'value=2');
    const typed = `{"value":{"id":"${id}","__proto__":{"x":1},"z":-0.0,"f":1e20}}`;
    const { stdout } = await greenroom('run', 'workbench-python', typed, '--json');
    expect(stdout).toBe(`{"id":"${id}","__proto__":{"x":1},"z":-0.0,"f":1e+20}\n`);
  });

  test('prints integers of any size in digits', async () => {
    const id = '6687881544318117707';
    const says = (body: string): void => {
      usePlugin('bare', { args: ['bare.mjs', 'says', 'application/json', body] });
    };
    says(`{"result":{"ids":[${id}]}}`);
    expect((await greenroom('run', 'bare', '--json')).stdout).toBe(`{"ids":[${id}]}\n`);
    expect((await greenroom('run', 'bare')).stdout).toBe(`{\n  "ids": [\n    ${id}\n  ]\n}\n`);
    says(`{"error":{"type":"Taken","message":"no","details":{"id":${id}}}}`);
    expect((await greenroom('run', 'bare', '--json')).stdout).toContain(`"details":{"id":${id}}`);
  });

  test('streams a line for each item', async () => {
    usePlugin('workbench');
    const { status, stdout } = await greenroom('run', 'workbench', '{"count":3}', '--stream');
    expect(status).toBe(0);
    expect(stdout).toBe([0, 1, 2].map((index) => `{"index":${index},"filler":"x"}\n`).join(''));
  });

  test('starts the plugin with a config', async () => {
    usePlugin('workbench', { config_schema: { type: 'object', properties: { size: { type: 'integer' } } } });
    const { stdout } = await greenroom(
      'run',
      'workbench',
      '{"do":"about"}',
      '--config',
      '{"size":3}',
      '--timeout',
      '20',
    );
    expect(JSON.parse(stdout)).toMatchObject({ config: { size: 3 }, initialised: 1 });
    const wrong = await greenroom('run', 'workbench', '--config', '{"size":"big"}');
    expect(wrong.status).toBe(4);
    expect(wrong.stderr).toContain('size: expected a whole number, got "big"');
  });

  describe('ends with a status by the kind of failure, and says what it was', () => {
    test.each<[number, string, string, string[], string, Record<string, unknown>]>([
      [1, 'E_REMOTE', 'raised RangeError: out of range', ['{"do":"fail"}'], 'workbench', {}],
      [4, 'E_OPTIONS', 'The input is not JSON', ['{"do":'], 'workbench', {}],
      [4, 'E_MANIFEST', '/nowhere does not exist', [], 'workbench-python', { python_path: '/nowhere' }],
      [5, 'E_START', 'before it was ready', [], 'workbench', { module: join(FIXTURES, 'wrong/throws.mjs') }],
      [6, 'E_CRASHED', 'exited with status 3', ['{"do":"exit","code":3}'], 'workbench', {}],
      [
        7,
        'E_UNSUPPORTED',
        'does not support streaming',
        ['--stream'],
        'bare',
        { cwd: COMMAND_EXAMPLE, args: ['plugin.mjs'] },
      ],
      [8, 'E_TIMEOUT', 'within 300 ms', ['{"do":"wait","for":"/nowhere"}', '--timeout', '0.3'], 'workbench', {}],
    ])('%d for %s', async (status, code, message, args, name, manifest) => {
      usePlugin(name, manifest);
      const people = await greenroom('run', name, ...args);
      expect(people.stderr).toMatch(/^error: /);
      expect(people.stderr).toContain(message);
      expect(people).toMatchObject({ status, stdout: '' });
      const programs = await greenroom('run', name, ...args, '--json');
      expect(programs).toMatchObject({ status, stderr: '' });
      expect(JSON.parse(programs.stdout)).toMatchObject({ error: { code, message: expect.stringContaining(message) } });
    });

    test('3 for a plugin that is not there, with the one that was meant', async () => {
      usePlugin('workbench');
      const { status, stderr } = await greenroom('run', 'workbnch');
      expect(status).toBe(3);
      expect(stderr).toBe('error: There is no plugin "workbnch". Did you mean "workbench"?\n');
    });

    test('4 for a plugin whose manifest is not valid, with why', async () => {
      write('.greenroom/plugins/odd/manifest.json', { name: 'odd' });
      const { status, stderr } = await greenroom('run', 'odd');
      expect(status).toBe(4);
      expect(stderr).toContain('is not valid: worker: cannot be inferred');
      expect(stderr).toContain('.greenroom/plugins/odd/manifest.json');
    });
  });

  test("shows the plugin's own traceback below the message, and gives it to programs", async () => {
    usePlugin('workbench');
    const people = await greenroom('run', 'workbench', '{"do":"fail"}');
    expect(people.stderr).toMatch(/^error: .*\nRangeError: out of range\n +at .*workbench\.mjs/);
    const { error } = JSON.parse((await greenroom('run', 'workbench', '{"do":"fail"}', '--json')).stdout) as {
      error: { remote: unknown };
    };
    expect(error.remote).toMatchObject({ type: 'RangeError', category: 'input', details: { limit: 3 } });
  });
});

describe('Ctrl-C', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s cancels the call and leaves nothing', async (signal, status) => {
    usePlugin('workbench');
    const { child, ended } = start(['run', 'workbench', '{"count":1e9,"pause":5}', '--stream']);
    await shown(child, '"index":1', 'stdout');
    child.kill(signal);
    expect(await ended).toMatchObject({ status, signal: null, stderr: '' });
    expect(readFileSync(join(folder, 'home/logs/workbench.log'), 'utf8')).toContain('worker ended');
  });

  test('tells programs that the call was cancelled', async () => {
    usePlugin('workbench');
    const { child, ended } = start(['run', 'workbench', '{"count":1e9,"pause":5}', '--stream', '--json']);
    await shown(child, '"index":1', 'stdout');
    child.kill('SIGINT');
    const { status, stdout } = await ended;
    expect(status).toBe(130);
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({ error: { code: 'E_CANCELLED' } });
  });

  test('cancels a call that is not a stream, too', async () => {
    usePlugin('workbench');
    const { child, ended } = start(['run', 'workbench', '{"do":"wait","for":"/nowhere"}'], { terminal: true });
    await shown(child, 'waiting', 'stdout');
    child.stdin?.write('\n');
    expect((await ended).status).toBe(130);
  });

  test('on a terminal it is said how to kill, and a second one does so', async () => {
    // Neither hears the cancel nor ends on SIGTERM, and the first Ctrl-C would wait for an hour.
    usePlugin('stubborn', { cancel_grace_ms: 3_600_000, drain_timeout_ms: 3_600_000, stop_timeout_ms: 3_600_000 });
    const { child, ended } = start(['run', 'stubborn', '{"do":"sleep"}', '--config', '{"ignore_term":true}'], {
      terminal: true,
    });
    await shown(child, 'sleeping', 'stdout');
    const told = shown(child, 'Press Ctrl-C again', 'stdout');
    child.stdin?.write('\n');
    await told;
    child.stdin?.write('\n');
    expect((await ended).status).toBe(130);
  });

  test('a progress bar is drawn on a terminal and taken away before the result', async () => {
    usePlugin('workbench');
    const { child, ended } = start(['run', 'workbench', '{"do":"steps","count":50}'], { terminal: true });
    child.stdin?.end();
    const { status, stdout } = await ended;
    expect(status).toBe(0);
    expect(stdout).toMatch(/█.* \d+% step \d+/);
    expect(stdout.endsWith('\r\u001b[K"done"\r\n')).toBe(true);
    const piped = await greenroom('run', 'workbench', '{"do":"steps","count":50}');
    expect(piped).toMatchObject({ stdout: '"done"\n', stderr: '' });
  });
});

test('a reader that has seen enough ends a stream without a word', async () => {
  usePlugin('workbench');
  const { child, ended } = start(['run', 'workbench', '{"size":1000}', '--stream']);
  await shown(child, '"index":3', 'stdout');
  child.stdout?.destroy();
  expect(await ended.catch(() => 'the pipe was closed')).toBe('the pipe was closed');
  await new Promise<void>((resolve) => {
    if (child.exitCode === null) child.once('exit', () => resolve());
    else resolve();
  });
  expect(child.exitCode).toBe(0);
});
