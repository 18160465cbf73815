// What somebody is told who has made a mistake on the command line, or looks at what there is.
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { folder, greenroom, shown, start, usePlugin, write } from '../cli/command-line.ts';

const SDK = pathToFileURL(resolve('dist/node-sdk/index.js')).href;
const ZOD = pathToFileURL(resolve('node_modules/zod/index.js')).href;

/** A plugin with a schema of its config that JSON Schema cannot express. */
function useZodPlugin(): void {
  write('.greenroom/plugins/z.json', { name: 'z', module: './z.mjs' });
  write(
    '.greenroom/plugins/z.mjs',
    `import { definePlugin } from '${SDK}';
     import { z } from '${ZOD}';
     const config = z.object({ size: z.number(), api_key: z.string().optional(), when: z.custom((v) => v === 'now', 'must be now') });
     export default definePlugin({ name: 'z', config, execute: () => 'done' });`,
  );
}

/** A plugin with one setting. */
function useSizePlugin(): void {
  const config_schema = {
    type: 'object',
    additionalProperties: false,
    properties: { size_mb: { type: 'integer' } },
  };
  usePlugin('workbench', { config_schema });
}

test('an unknown setting is told with the known ones and the nearest', async () => {
  useSizePlugin();
  const { status, stderr } = await greenroom('run', 'workbench', '--config', '{"size": 1}');
  expect(status).toBe(4);
  expect(stderr).toContain('unknown setting "size"; known: size_mb; did you mean "size_mb"?');
});

test('a setting of another type is told with what was expected and what was given', async () => {
  useSizePlugin();
  const { status, stderr } = await greenroom('run', 'workbench', '--config', '{"size_mb": "x"}');
  expect([status, stderr]).toEqual([4, expect.stringContaining('size_mb: expected a whole number, got "x"')]);
});

test('a config that only the schema of the plugin itself can refuse is told as any other, with each place and value', async () => {
  useZodPlugin();
  const { status, stderr, stdout } = await greenroom(
    'run',
    'z',
    '--json',
    '--config',
    '{"size": "x", "when": "later", "api_key": 5}',
  );
  expect(status).toBe(4);
  expect(JSON.parse(stdout).error).toMatchObject({
    code: 'E_CONFIG',
    message: expect.stringMatching(
      /^The config of "z" does not fit its schema: size: .*, got "x"; .*when: must be now, got "later"\.$/,
    ),
  });
  // A secret is not repeated.
  expect(JSON.parse(stdout).error.message).toMatch(/api_key: [^;]*received number;/);
  expect(stderr).not.toContain('node-sdk');
  expect((await greenroom('run', 'z', '--config', '{"size": 1, "when": "now"}')).stdout).toContain('done');
});

test('a search path that was named and does not exist is told by list, validate and doctor, and one that is looked in by default is not', async () => {
  usePlugin('workbench');
  const missing = join(folder, 'nosuch');
  const listed = await greenroom('list', '--search-path', missing, '--search-path', '.greenroom/plugins');
  expect([listed.status, listed.stdout]).toEqual([0, expect.stringContaining('workbench')]);
  expect(listed.stderr).toMatch(/! nosuch\n +warning .*the search path does not exist/);
  const alone = await greenroom('list', '--search-path', missing);
  expect(alone.stderr).toMatch(/No plugins in\n {2}nosuch \(does not exist\)\nCreate one: greenroom init/);
  const validated = await greenroom('validate', '--search-path', missing);
  expect([validated.status, validated.stdout]).toEqual([4, expect.stringContaining('the search path does not exist')]);
  const { stdout } = await greenroom('doctor', '--search-path', missing);
  expect(stdout).toMatch(/warn +search path +nosuch: does not exist\n +→ Create it: mkdir -p nosuch\./);
  expect((await greenroom('list')).stderr).toBe('');
});

test('an unknown option is told with the nearest one, the usage, and how to set a field of the input', async () => {
  usePlugin('workbench');
  const near = await greenroom('run', 'workbench', '--confgi', '{}');
  expect(near.status).toBe(2);
  expect(near.stderr).toContain(
    'Unknown option "--confgi".\nhint:  Did you mean "--config"?\n       Usage: greenroom run PLUGIN',
  );
  const field = await greenroom('run', 'workbench', '--nmae', 'Ada');
  expect(field.stderr).toContain(
    'Unknown option "--nmae".\nhint:  To set a field of the input, use: --arg nmae=Ada\n       Usage: ',
  );
  const spaced = await greenroom('run', 'workbench', `--name=Ada L.`);
  expect(spaced.stderr).toContain(`use: --arg 'name=Ada L.'`);
  const argument = await greenroom('run', 'workbench', 'name=Ada');
  expect([argument.status, argument.stderr]).toEqual([4, expect.stringContaining('use: --arg name=Ada')]);
  expect((await greenroom('lsit')).stderr).toContain('Unknown command "lsit".\nhint:  Did you mean "list"?');
});

test('a port that is in use is told, with the option that chooses another', async () => {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as { port: number };
  const dev = await greenroom('dev', '--port', String(port));
  expect([dev.status, dev.stderr]).toEqual([
    4,
    expect.stringMatching(new RegExp(`port ${port} is already in use. Choose another with --port`)),
  ]);
  const serve = await greenroom('serve', '--listen', `127.0.0.1:${port}`);
  expect([serve.status, serve.stderr]).toEqual([
    4,
    expect.stringMatching(new RegExp(`127.0.0.1:${port}: the port is already in use. Choose another with --listen`)),
  ]);
  expect(dev.stderr + serve.stderr).not.toContain('EADDRINUSE');
  server.close();
});

test('greenroom alone prints the help', async () => {
  const { status, stdout, stderr } = await greenroom();
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/Usage: greenroom COMMAND[^]*Commands:[^]*run[^]*Start with:/);
});

test('dev says that the former manifest stays in force, and when it is valid again', async () => {
  usePlugin('workbench');
  const { child, ended } = start(['dev']);
  await shown(child, 'Inspector', 'stdout');
  const broken = shown(child, 'The former manifest of workbench stays in force until this one is valid.');
  write('.greenroom/plugins/workbench.json', '{');
  await broken;
  const solved = shown(child, '✓ .greenroom/plugins/workbench.json is valid again.');
  usePlugin('workbench');
  await solved;
  child.kill('SIGINT');
  const { stderr } = await ended;
  expect(stderr).toMatch(/✗ .*workbench\.json\n.*is not JSON[^]*stays in force[^]*valid again/);
});

test('dev without a plugin leaves no header of a table behind, and with one the table once', async () => {
  const lastFrame = (output: string): string => output.split('\u001b[J').at(-1) ?? '';
  const empty = start(['dev'], { terminal: true });
  await shown(empty.child, 'New manifests are picked up automatically', 'stdout');
  empty.child.stdin?.end('\n');
  expect((await empty.ended).stdout).not.toContain('PLUGIN');
  usePlugin('workbench');
  const one = start(['dev'], { terminal: true });
  await shown(one.child, 'workbench', 'stdout');
  one.child.stdin?.end('\n');
  const { stdout } = await one.ended;
  expect(lastFrame(stdout).match(/PLUGIN/g)).toHaveLength(1);
  expect(stdout).toContain('Stopping. Press Ctrl-C again to kill the plugins.');
});

test('lines of doctor that are too long for the terminal are broken between words', async () => {
  write('p/p.json', { name: 'p', module: './p.py', python_path: '.venv/bin/python' });
  const args = ['doctor', '--search-path', 'p'];
  const { stdout } = await start(args, { terminal: true, shell: 'stty cols 50; exec "$@"' }).ended;
  // oxlint-disable-next-line no-control-regex
  const lines = stdout.replaceAll(/\u001b\[\d+m/g, '').split('\r\n');
  const words = lines.map((line) => line.trim()).join(' ');
  expect(words).toContain('Create the environment: python3 -m venv');
  for (const line of lines) expect(line.length <= 50 || !/\S\s+\S+\s+\S/.test(line.slice(8)), line).toBe(true);
});

test('a program of which the terminal could be turned or steered is shown with escapes there', async () => {
  const name = 'a\u202eb';
  write('.greenroom/plugins/x.json', { name, module: './x.mjs', version: '\u001b[2J\u202e1' });
  const { stdout } = await start(['list'], { terminal: true }).ended;
  expect(stdout).toContain('a\\u202eb');
  expect(stdout).not.toContain('\u202e');
  expect(stdout).not.toContain('\u001b[2J');
  write('.greenroom/plugins/x.mjs', `process.stderr.write('\\u001b[2J\\u202eboom\\n'); process.exit(1);`);
  const { stdout: told } = await start(['run', name], { terminal: true }).ended;
  expect(told).toContain('boom');
  expect(told).not.toContain('\u202e');
  expect(told).not.toContain('\u001b[2J');
});
