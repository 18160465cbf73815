import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folder, greenroom, start, write } from '../command-line.ts';

const CONFIG = `
globalTTL: 60
sendLoadingState: true
models:
  one:
    cmd: ${process.execPath} server.mjs --port \${PORT}
    aliases: [gpt-4o]
  two:
    cmd: ${process.execPath} server.mjs --port \${PORT} --key \${env.SERVER_KEY}
  three:
    cmd: a-server
`;

const env = { SERVER_KEY: 'k' };
const manifest = (name: string): string => join(folder, '.greenroom/plugins', `${name}.json`);
const read = (file: string): Record<string, unknown> =>
  JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;

/** Imports the configuration of the test. */
async function importConfig(...args: readonly string[]) {
  return start(['import', 'llama-swap', 'config.yaml', ...args], { env }).ended;
}

test('it writes manifests and settings that are valid, and says what became of each key', async () => {
  write('config.yaml', CONFIG);
  const { status, stdout, stderr } = await importConfig();
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/Wrote greenroom\.json\nWrote \.greenroom\/plugins\/one\.json/);
  expect(stdout).toMatch(/Mapped\n {2}globalTTL +line 2 +resources\.idle_release_ms/);
  expect(stdout).toMatch(/Noted\n {2}sendLoadingState +line 3 +a streamed request/);
  expect(stdout).toMatch(/models\.two\.cmd +line 9 +has the value of SERVER_KEY as it is now/);
  expect(stdout).toMatch(/Refused\n {2}models\.three +line 10 +not written: cmd does not say where/);
  expect(read(manifest('one'))).toMatchObject({ models: ['one', 'gpt-4o'], resources: { idle_release_ms: 60_000 } });
  expect(existsSync(manifest('three'))).toBe(false);
  expect((await greenroom('validate')).stderr).toBe('2 manifests, all valid\n');
});

test('with --json it prints each finding with its line', async () => {
  write('config.yaml', CONFIG);
  const { stdout } = await importConfig('--json', '--output', 'there');
  expect(JSON.parse(stdout)).toMatchObject({
    dryRun: false,
    folder: join(folder, 'there'),
    written: ['greenroom.json', '.greenroom/plugins/one.json', '.greenroom/plugins/two.json'],
    findings: expect.arrayContaining([
      { line: 7, key: 'models.one.aliases', verdict: 'mapped', what: '`models`' },
    ]) as unknown,
  });
  expect(read(join(folder, 'there/greenroom.json'))).toMatchObject({ capacity: { slots: 1 } });
});

test('with --dry-run it writes nothing', async () => {
  write('config.yaml', CONFIG);
  write('greenroom.json', {});
  const { status, stdout } = await importConfig('--dry-run');
  expect(status).toBe(0);
  expect(stdout).toContain('Would write .greenroom/plugins/one.json\n');
  expect(stdout).toContain('Would replace, with --force, greenroom.json\n');
  expect(existsSync(manifest('one'))).toBe(false);
});

test('it replaces and removes what it has written', async () => {
  write('config.yaml', CONFIG);
  await importConfig();
  write('config.yaml', CONFIG.replace('60', '90').replace('  two:', '  other:'));
  const again = await importConfig();
  expect(again).toMatchObject({ status: 0, stderr: '' });
  expect(again.stdout).toMatch(/Removed \.greenroom\/plugins\/two\.json\nUnchanged: 1 of 3 files/);
});

test('it replaces nothing that it has not written, unless it is told to', async () => {
  write('config.yaml', CONFIG);
  write('.greenroom/plugins/one.json', { name: 'mine' });
  const { status, stderr } = await importConfig();
  expect(status).toBe(4);
  expect(stderr).toContain('not as an import has written them: .greenroom/plugins/one.json.');
  expect(read(manifest('one'))).toEqual({ name: 'mine' });
  expect((await importConfig('--force')).stdout).toContain('Replaced .greenroom/plugins/one.json\n');
  expect(read(manifest('one'))).toMatchObject({ name: 'one' });
});

test.each([
  ['a file that is not there', ['llama-swap', 'no.yaml'], 4, 'no.yaml does not exist.'],
  ['a file that is not valid', ['llama-swap', 'broken.yaml'], 4, 'broken.yaml, line 2: models: expected an object'],
  ['a program that is unknown', ['llamaswap', 'broken.yaml'], 2, 'Did you mean "llama-swap"?'],
  ['no file', ['llama-swap'], 2, 'Missing argument: FILE.'],
])('%s is an error', async (_what, args, expected, message) => {
  write('broken.yaml', '# comment\nmodels: 3\n');
  const { status, stderr } = await greenroom('import', ...args);
  expect(status).toBe(expected);
  expect(stderr).toContain(message);
});

test('without the package that reads YAML it says how to get it', async () => {
  write('config.yaml', CONFIG);
  const hook = `export const resolve = (name, context, next) => {
    if (name === 'yaml') throw new Error('Cannot find package');
    return next(name, context);
  };`;
  const hooks = `data:text/javascript,${encodeURIComponent(hook)}`;
  const preload = `import { register } from 'node:module'; register(${JSON.stringify(hooks)});`;
  const without = { ...env, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}` };
  const { status, stderr } = await start(['import', 'llama-swap', 'config.yaml'], { env: without }).ended;
  expect(status).toBe(4);
  expect(stderr).toContain('npm install --save-dev yaml');
});
