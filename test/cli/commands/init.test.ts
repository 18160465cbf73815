import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { templates } from '../../../src/cli/templates.ts';
import { createSupervisor } from '../../../src/index.ts';
import type { WorkerKind } from '../../../src/worker-kinds/kind.ts';
import { addKind, findKind } from '../../../src/worker-kinds/kinds.ts';
import { BIN, type Ended, folder, greenroom, start, write } from '../command-line.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const removesTypes = 'typescript' in process.features && process.features.typescript !== false;

/** Has the test's folder be a project in which a package is installed. */
function install(name: string, path: string): void {
  mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true });
  symlinkSync(path, join(folder, 'node_modules', name), 'junction');
}

/** Runs a line as somebody pastes it into a shell, in the test's folder. */
function paste(line: string): Omit<Ended, 'signal'> {
  const bin = join(folder, 'bin');
  if (!existsSync(bin)) {
    mkdirSync(bin);
    writeFileSync(join(bin, 'greenroom'), `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`);
    symlinkSync(process.execPath, join(bin, 'node'));
    chmodSync(join(bin, 'greenroom'), 0o755);
  }
  return spawnSync('sh', ['-c', line], {
    cwd: folder,
    encoding: 'utf8',
    env: {
      PATH: `${bin}${delimiter}${process.env['PATH']}`,
      HOME: folder,
      GREENROOM_HOME: join(folder, 'home'),
      XDG_RUNTIME_DIR: join(folder, 'run'),
    },
  });
}

/** The commands that are printed as the next ones, each with what it does. */
function nextOf({ stdout }: Ended): ReadonlyMap<string, string> {
  const [, next = ''] = stdout.split('\nNext:\n');
  const rows = next.split('\n').filter((line) => line !== '');
  return new Map(rows.map((row) => row.trim().split(/ {2,}/)).map(([line = '', what = '']) => [what, line]));
}

function manifestOf(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, '.greenroom/plugins', name, 'manifest.json'), 'utf8'));
}

/** What the commands print that try a plugin. */
const PRINTED: Readonly<Record<string, string>> = {
  'call it': '{\n  "text": "Hello, Ada!"\n}\n',
  'stream its results': '"Hello"\n"Ada"\n',
  'call its tool "shout"': '"HELLO, ADA!"\n',
  'call its tool "greet"': '"Hello, Ada!"\n',
};

test('what is printed as next runs as it is copied after npx too', async () => {
  const env = { npm_command: 'exec' };
  const next = new Map(nextOf(await start(['init', 'hello'], { env }).ended));
  next.delete('run its test');
  expect(next.size).toBeGreaterThan(2);
  for (const line of next.values()) expect(line).toMatch(/^npx greenroom /);
  const overview = await start([], { env }).ended;
  expect(overview.stdout).toContain('Start with: npx greenroom demo, or npx greenroom init my-plugin');
});

test('there is a template for each way to write a plugin', () => {
  const names = templates().map(({ name }) => name);
  expect(names).toEqual(['python', 'node', 'typescript', 'command', 'http', 'mcp']);
});

describe.each(templates())('the template $name', (template) => {
  const name = `it's my "${template.name}" plugin`;
  const home = (): string => join(folder, '.greenroom/plugins', name);

  test('is valid and listed, and its test and all that is printed work as they are pasted', {
    timeout: 120_000,
  }, async () => {
    if (template.name === 'typescript' && !removesTypes)
      install('tsx', dirname(createRequire(import.meta.url).resolve('tsx/package.json')));
    const written = await greenroom('init', name, '--template', template.name);
    expect(written).toMatchObject({ status: 0, stderr: '' });

    const validated = await greenroom('validate');
    expect(validated).toMatchObject({ status: 0, stderr: '1 manifest, all valid\n' });
    expect(validated.stdout).toMatch(/^✓ [^\n]*\n$/);
    const { plugins } = JSON.parse((await greenroom('list', '--json')).stdout) as { plugins: object[] };
    expect(plugins).toEqual([expect.objectContaining({ name })]);

    const next = nextOf(written);
    const tries = [...next].filter(([what]) => what in PRINTED);
    expect(tries).toHaveLength(template.calls.length);
    for (const [what, line] of tries) expect(paste(line), line).toMatchObject({ status: 0, stdout: PRINTED[what] });
    expect(paste(next.get('after changing its manifest') ?? '').status).toBe(0);
    expect(paste(next.get('show what it printed') ?? '').status).toBe(0);
    const tested = paste(next.get('run its test') ?? '');
    expect(tested.status, tested.stdout + tested.stderr).toBe(0);
    expect(tested.stdout + tested.stderr).toMatch(/^(?:# pass [2-9]|ℹ pass [2-9]|Ran [2-9] tests)/m);
  });

  test('bears the name that was given, in each of its files', async () => {
    await greenroom('init', name, '--template', template.name);
    for (const file of readdirSync(home())) {
      const text = readFileSync(join(home(), file), 'utf8');
      expect(text, file).not.toContain(`hello-${template.name}`);
    }
    expect(manifestOf(name)).toMatchObject({ name });
  });

  test('has a config that refuses what is misspelt, where it has one', async () => {
    await greenroom('init', name, '--template', template.name);
    const { config_schema: schema } = manifestOf(name);
    if (schema === undefined) return expect(['http', 'mcp']).toContain(template.name);
    const { status, stderr } = await greenroom('run', name, '--config', '{"greting":"Servus"}');
    expect(status).toBe(4);
    expect(stderr).toContain('greting');
  });
});

test('the HTTP server answers requests, and a call of it says how to send one', async () => {
  const written = await greenroom('init', 'web', '--template', 'http');
  expect(written.stdout).toContain(`supervisor.fetch("web", "/greet?name=Ada")`);
  const { status, stderr } = await greenroom('run', 'web');
  expect(status).not.toBe(0);
  expect(stderr).toContain('fetch("web", "/path")');
  const supervisor = await createSupervisor({
    searchPaths: [join(folder, '.greenroom/plugins')],
    dataDir: join(folder, 'home'),
    watch: false,
  });
  try {
    const answer = await supervisor.fetch('web', '/greet?name=Ada');
    expect(await answer.json()).toEqual({ text: 'Hello, Ada!' });
  } finally {
    await supervisor.stop();
  }
});

test('the plugin in TypeScript has types that hold, and find a mistake', async () => {
  install('greenroom', ROOT);
  install('@types', join(ROOT, 'node_modules/@types'));
  await greenroom('init', 'typed', '--template', 'typescript');
  const home = join(folder, '.greenroom/plugins/typed');
  const check = (): string => {
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    return spawnSync(process.execPath, [tsc, '--pretty', 'false'], { cwd: home, encoding: 'utf8' }).stdout;
  };
  expect(check()).toBe('');
  const source = readFileSync(join(home, 'plugin.ts'), 'utf8');
  writeFileSync(join(home, 'plugin.ts'), source.replace('ctx.config.greeting', 'ctx.config.greting'));
  expect(check()).toMatch(/^plugin\.ts\(\d+,\d+\): error TS2551: .*'greting'/);
});

describe('an editor finds the schema of the manifest', () => {
  const shipped = join(ROOT, 'dist/manifest.schema.json');

  /** Reads `$schema` as an editor does: as a path from the file that names it. */
  function openSchema(name: string): { path: string; isManifest: (value: unknown) => boolean } {
    const path = join(folder, '.greenroom/plugins', name, String(manifestOf(name)['$schema']));
    return { path, isManifest: new Ajv2020({ strict: false }).compile(JSON.parse(readFileSync(path, 'utf8'))) };
  }

  test('in the package, where the project has it installed', async () => {
    install('greenroom', ROOT);
    const { stdout } = await greenroom('init', 'x');
    const { path, isManifest } = openSchema('x');
    expect(path).toBe(join(folder, 'node_modules/greenroom/dist/manifest.schema.json'));
    expect(isManifest(manifestOf('x'))).toBe(true);
    expect(isManifest({ ...manifestOf('x'), max_concurrency: 'many' })).toBe(false);
    expect(stdout).not.toContain('for editors');
  });

  test('beside the manifest, where no package is installed', async () => {
    const { stdout } = await greenroom('init', 'x');
    const { path, isManifest } = openSchema('x');
    expect(dirname(path)).toBe(join(folder, '.greenroom/plugins/x'));
    expect(readFileSync(path, 'utf8')).toBe(readFileSync(shipped, 'utf8'));
    expect(isManifest(manifestOf('x'))).toBe(true);
    expect(stdout).toMatch(/manifest\.schema\.json .*for editors/);
  });
});

test('a kind of worker brings all that the command needs of it', () => {
  const python = findKind('python') as WorkerKind;
  const [template] = python.templates ?? [];
  const other = { ...(template as NonNullable<typeof template>), name: 'other', about: 'another' };
  const remove = addKind({ ...python, name: 'other', templates: [other] });
  try {
    expect(templates()).toContainEqual(other);
  } finally {
    remove();
  }
  expect(templates()).not.toContainEqual(other);
});

test('writes Python where nothing is said, gives the files as JSON, and leaves alone what is there', async () => {
  const { stdout } = await greenroom('init', 'x', '--json', '--dir', 'mine');
  const home = join(folder, 'mine/x');
  const { files, ...said } = JSON.parse(stdout) as { files: { name: string }[] };
  expect(said).toEqual({ name: 'x', template: 'python', folder: home, test: 'python3 -m unittest' });
  const names = ['manifest.json', 'plugin.py', 'test_plugin.py', 'manifest.schema.json'];
  expect(files.map(({ name }) => name)).toEqual(names);
  expect(readdirSync(home).toSorted()).toEqual(names.toSorted());
  const before = names.map((file) => readFileSync(join(home, file), 'utf8'));
  const again = await greenroom('init', 'x', '--template', 'node', '--dir', 'mine');
  expect(again).toMatchObject({ status: 4, stdout: '' });
  expect(again.stderr).toContain('mine/x already exists. Choose another name, or remove it first.');
  expect(readdirSync(home).toSorted()).toEqual(names.toSorted());
  expect(names.map((file) => readFileSync(join(home, file), 'utf8'))).toEqual(before);
  expect((await greenroom('run', 'x', '--search-path', 'mine', '--json')).stdout).toBe('{"text":"Hello, world!"}\n');
});

test('what bears the name already is left as it is: a file, an empty folder, a link to nowhere', async () => {
  write('mine/file', 'text');
  mkdirSync(join(folder, 'mine/folder'));
  symlinkSync('nowhere', join(folder, 'mine/link'));
  for (const name of ['file', 'folder', 'link']) {
    const { status, stdout } = await greenroom('init', name, '--dir', 'mine', '--json');
    expect(status).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'E_OPTIONS', message: expect.stringContaining(`mine/${name} already exists`) },
    });
  }
  expect(readFileSync(join(folder, 'mine/file'), 'utf8')).toBe('text');
  expect(readdirSync(join(folder, 'mine/folder'))).toEqual([]);
  expect(lstatSync(join(folder, 'mine/link')).isSymbolicLink()).toBe(true);
  expect(existsSync(join(folder, 'mine/nowhere'))).toBe(false);
});

describe('a mistake is said with what would be right, and nothing is written', () => {
  test.each([
    [['x', '--template', 'typscript'], 'Unknown template "typscript".', 'Did you mean "typescript"?'],
    [['x', '--template', 'rust'], 'Unknown template "rust".', 'python, node, typescript, command, http, mcp.'],
    [['a/b'], 'Invalid plugin name "a/b"', 'no slashes'],
    [['..'], 'Invalid plugin name ".."', 'must not be'],
    [['.hidden'], 'Invalid plugin name ".hidden"', 'folders with such a name are ignored'],
    [['--', '-x'], 'Invalid plugin name "-x"', 'commands take it for an option'],
    [['voice.bak'], 'Invalid plugin name "voice.bak"', 'Choose another name.'],
  ])('%j', async (args, message, hint) => {
    const { status, stdout, stderr } = await greenroom('init', ...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toContain(hint);
    expect(existsSync(join(folder, '.greenroom'))).toBe(false);
  });
});
