import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { EXIT_STATUSES } from '../../src/cli/exit-status.ts';
import { greenroom, start } from './command-line.ts';

test('--help lists every command, and so does a command line without one', async () => {
  const { status, stdout } = await greenroom('--help');
  expect(status).toBe(0);
  for (const [name, { summary }] of Object.entries(COMMANDS)) expect(stdout).toMatch(new RegExp(`${name} +${summary}`));
  const without = await greenroom();
  expect(without).toMatchObject({ status: 0, stdout, stderr: '' });
});

test.each(Object.keys(COMMANDS))('%s --help has usage, options, examples and exit statuses', async (name) => {
  const { status, stdout, stderr } = await greenroom(name, '--help');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(new RegExp(`^Usage: greenroom ${name}`));
  expect(stdout).toContain('--json');
  expect(stdout).toMatch(/Examples:\n {2}\S/);
  expect(stdout).toContain(`  0  ${EXIT_STATUSES[0]}`);
});

test('--version prints that of the package', async () => {
  expect((await greenroom('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(JSON.parse((await greenroom('-v', '--json')).stdout)).toEqual({ version: expect.any(String) });
});

test('a path that cannot be looked at is a fault that is told, not one of ours', async () => {
  const { status, stdout, stderr } = await greenroom('validate', 'run/nothing', '/dev/null/below', 'x'.repeat(300));
  expect(status).toBe(4);
  expect(stderr).not.toMatch(/^ +at /m);
  expect(stdout).toContain('/dev/null/below');
});

test.each(['list', 'doctor'])('%s works where the working directory has been removed', async (command) => {
  const shell = 'mkdir gone && cd gone && rmdir ../gone && PWD=elsewhere && export PWD && "$@"';
  const { status, stderr } = await start([command], { shell }).ended;
  expect([0, 1]).toContain(status);
  expect(stderr).not.toMatch(/^ +at /m);
});

describe('what is wrong with a command line is said with what was meant, and status 2', () => {
  test.each([
    [['lst'], 'Unknown command "lst".', 'Did you mean "list"?'],
    [['list', '--categry', 'x'], 'Unknown option "--categry".', 'Did you mean "--category"?'],
    [['--foo'], 'Unknown option "--foo".', 'Usage: greenroom COMMAND'],
    [['--search-path', 'x'], 'Missing argument: COMMAND.', 'greenroom --help'],
    [['run', 'a', '--nmae', 'x'], 'Unknown option "--nmae".', 'use: --arg nmae=x'],
    [['run', 'a', 'b=1', 'c=2'], 'Unexpected argument: "c=2".', 'use: --arg c=2'],
    [['run'], 'Missing argument: PLUGIN.', 'Usage: greenroom run PLUGIN [JSON]'],
    [['run', 'a', '{}', 'c'], 'Unexpected argument: "c".', 'Usage: greenroom run PLUGIN [JSON]'],
    [['run', 'a', '--timeout', 'soon'], '--timeout must be a number of seconds', ''],
    [['run', 'a', '--timeout', '0'], '--timeout must be a number of seconds', ''],
    [['run', 'a', '--arg', 'name'], '--arg must be NAME=VALUE, got "name".', ''],
    [['run', 'a', '[1]', '--arg', 'name=1'], '--arg sets a field of an object', ''],
    [['run', 'a', '--config'], 'Missing value: --config JSON.', 'Usage: greenroom run PLUGIN [JSON]'],
    [
      ['jobs', 'add', 'a', '--priority', '-1'],
      'Missing value: --priority NUMBER.',
      'A value that begins with "-" follows a "=": --priority=-1',
    ],
    [['jobs', 'add', 'a', '--attempts', '0'], '--attempts must be a whole number from 1 to 1000, got "0".', ''],
    [['jobs', 'add', 'a', '--key', ''], '--key must be a text of 1 to 200 characters, got none.', ''],
    [['logs', 'a', '-n', '-1'], 'Missing value: --lines COUNT.', '"=": --lines=-1'],
    [['init', 'a/b'], 'must have no slashes', ''],
    [['init', 'a', '--template', 'pyton'], 'Unknown template "pyton".', 'Did you mean "python"?'],
    [['logs', 'a', '-n', 'many'], '--lines must be a number of lines', ''],
  ])('%j', async (args, message, hint) => {
    const { status, stdout, stderr } = await greenroom(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(`error: `);
    expect(stderr).toContain(message);
    expect(stderr).toContain(hint);
  });
});

test('with --json, what is wrong is JSON on standard output and nothing else', async () => {
  const { status, stdout, stderr } = await greenroom('run', '--json');
  expect({ status, stderr }).toEqual({ status: 2, stderr: '' });
  expect(JSON.parse(stdout)).toEqual({ error: { code: 'E_USAGE', message: 'Missing argument: PLUGIN.' } });
});

test('options of every command may stand before its name', async () => {
  const { status, stdout } = await greenroom('--json', '--search-path', 'here', 'list');
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ searchPaths: [expect.stringMatching(/\/here$/)] });
});
