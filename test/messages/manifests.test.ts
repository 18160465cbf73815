// What somebody is told who has made a mistake in a manifest, or in what it names, on the command line.
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { folder, greenroom, write } from '../cli/command-line.ts';

/** What `validate` says of one manifest, and its exit status. */
async function validated(manifest: unknown): Promise<readonly [number | null, string]> {
  const { status, stdout } = await greenroom('validate', write('p/p.json', manifest));
  return [status, stdout];
}

/** How a call of the only plugin ends on the command line. */
const run = (plugin: string, ...more: readonly string[]) =>
  greenroom('run', plugin, ...more, '--search-path', join(folder, 'p'));

/** A program that can be executed unless `mode` says otherwise. */
function script(name: string, text: string, mode = 0o755): string {
  const file = write(`p/${name}`, text);
  chmodSync(file, mode);
  return file;
}

test('a field whose name is misspelt is told with the one that was meant, also where the manifest is invalid otherwise', async () => {
  const [status, said] = await validated({ name: 'p', modul: './x.mjs', max_concurrency: '2' });
  expect(status).toBe(4);
  expect(said).toContain('unknown field "modul"; did you mean "module"?');
  const [, alone] = await validated({ name: 'p', modul: './x.mjs' });
  expect(alone).toContain('unknown field "modul"; did you mean "module"?');
});

test('several mistakes in one manifest are told all at once, each with its field, the value and the reason, that of a config schema too', async () => {
  const [status, said] = await validated({
    name: 'p',
    module: './x.mjs',
    worker: 'nod',
    max_concurrency: '2',
    config_schema: { type: 'objekt' },
  });
  expect(status).toBe(4);
  expect(said).toMatch(/worker +expected one of .*"node", .* got "nod"; did you mean "node"\?/);
  expect(said).toMatch(/max_concurrency +expected a whole number of at least 1, got "2"/);
  expect(said).toMatch(/config_schema +.*schema\.type: expected one of .*got "objekt"; did you mean "object"\?\n/);
});

test.each(['plugin', 'plugin.txt'])(
  'a module %s from which no language can be told is told with the two that can be added',
  async (module) => {
    const [status, said] = await validated({ name: 'p', module });
    expect(status).toBe(4);
    expect(said).toContain(`cannot be inferred from "module": "${module}"; add "worker": "python" or "worker": "node"`);
  },
);

test('a number that was written as a text is told with what was expected and what was given', async () => {
  const [, said] = await validated({ name: 'p', module: './x.mjs', max_concurrency: '2' });
  expect(said).toMatch(/max_concurrency +expected a whole number of at least 1, got "2"\n/);
});

test('an unknown worker is told with the known ones and the nearest', async () => {
  const [, said] = await validated({ name: 'p', module: './x.py', worker: 'pyhton' });
  expect(said).toMatch(/expected one of "node", "python", .*, got "pyhton"; did you mean "python"\?\n/);
});

test('a syntax error in a Node plugin, or in what it imports, has its file, line, column and the line itself', async () => {
  write('p/p.json', { name: 'p', module: './p.mjs' });
  const plugin = write('p/p.mjs', 'export default {\n  execute(input) {\n    const total = input.a b;\n  },\n};\n');
  const place = (file: string): string =>
    `Last output: SyntaxError: Unexpected identifier 'b' at ${file}:3:27: const total = input.a b;`;
  const { status, stderr } = await run('p');
  expect([status, stderr]).toEqual([5, expect.stringContaining(place(plugin))]);
  // In the output of the worker, and so in its log and in `details.output`.
  expect(stderr).toContain(`${pathToFileURL(plugin).href}:3\n    const total = input.a b;\n${' '.repeat(26)}^\n`);
  const imported = write(
    'p/part.mjs',
    'export default {\n  execute(input) {\n    const total = input.a b;\n  },\n};\n',
  );
  write('p/p.mjs', `export { default } from './part.mjs';\n`);
  expect((await run('p')).stderr).toContain(place(imported));
});

test('a syntax error in a CommonJS module, and one in a Python plugin, have their place too', async () => {
  write('p/p.json', { name: 'p', module: './p.cjs' });
  const common = write('p/p.cjs', 'const one = 1;\nconst two = one one;\n');
  expect((await run('p')).stderr).toContain(
    `SyntaxError: Unexpected identifier 'one' at ${common}:2:17: const two = one one;`,
  );
  write('p/p.json', { name: 'p', module: './p.py' });
  const python = write('p/p.py', 'class Plugin:\n    def execute(self):\n        x = = 1\n');
  expect((await run('p')).stderr).toContain(`SyntaxError: invalid syntax at ${python}:3: x = = 1`);
});

test('a command that may not be executed is told with the command that allows it', async () => {
  const file = script('run.sh', '#!/bin/sh\n', 0o644);
  const manifest = { name: 'p', command: './run.sh' };
  const words = `the program ${file} is not executable; run: chmod +x ${file}`;
  expect((await validated(manifest))[1]).toContain(words);
  const { status, stderr } = await run('p');
  expect([status, stderr]).toEqual([4, expect.stringContaining(words)]);
});

test.each([
  [
    'carriage.sh',
    '#!/bin/sh\r\necho\r\n',
    /first line is "#!\/bin\/sh\\r", which ends with a carriage return; .*perl -pi -e/,
  ],
  [
    'missing.sh',
    '#!/usr/bin/nosuch -x\n',
    /first line is "#!\/usr\/bin\/nosuch -x", but there is no program \/usr\/bin\/nosuch; install it/,
  ],
  [
    'env.sh',
    '#!/usr/bin/env -S A=1 nosuch\n',
    /first line is "#!\/usr\/bin\/env -S A=1 nosuch", but nosuch was not found on PATH; install it/,
  ],
])(
  'a script %s whose first line names no interpreter that is there is told with that line, by validate too',
  async (name, text, words) => {
    script(name, text);
    const [status, said] = await validated({ name: 'p', command: `./${name}` });
    expect([status, said]).toEqual([4, expect.stringMatching(words)]);
    const ended = await run('p');
    expect([ended.status, ended.stderr]).toEqual([4, expect.stringMatching(words)]);
  },
);

test('a script whose interpreter is there is valid', async () => {
  script('fine.sh', '#!/usr/bin/env -S A=1 sh\n');
  expect((await validated({ name: 'p', command: './fine.sh' }))[0]).toBe(0);
});

test('an environment that was not created is told with the command that creates it, by a call, validate and doctor', async () => {
  write('p/p.py', 'class Plugin:\n    def execute(self):\n        return 1\n');
  const manifest = { name: 'p', module: './p.py', python_path: '.venv/bin/python' };
  const create = `python3 -m venv ${join(folder, 'p/.venv')}`;
  expect((await validated(manifest))[1]).toContain(
    `does not exist, or is not a file; to create its environment, run: ${create}`,
  );
  expect((await run('p')).stderr).toContain(`to create its environment, run: ${create}`);
  expect((await greenroom('doctor', '--search-path', join(folder, 'p'))).stdout).toContain(
    `Create the environment: ${create}`,
  );
  const conda = { ...manifest, python_path: '/opt/nosuch/envs/tts/bin/python' };
  expect((await validated(conda))[1]).toContain('run: conda create --prefix /opt/nosuch/envs/tts python');
  // That folder is there, and is no environment.
  expect((await validated({ ...manifest, python_path: '/usr/bin/python3.0' }))[1]).not.toContain('venv');
});

test('a Python module that is not installed is told with its traceback and the command that installs it into that interpreter', async () => {
  write('p/p.json', { name: 'p', module: './p.py' });
  write('p/p.py', 'import nosuch_module.part\n\nclass Plugin:\n    def execute(self):\n        return 1\n');
  const install = /To install it, run: \/\S*python\S* -m pip install nosuch_module/;
  const { status, stderr } = await run('p');
  expect(status).toBe(5);
  expect(stderr).toMatch(/Last output: ModuleNotFoundError: No module named 'nosuch_module'. To install it, run: /);
  expect(stderr).toMatch(install);
  expect(stderr).toContain('line 1, in <module>\n    import nosuch_module.part\n');
  // In a call, and under the name of its package.
  write(
    'p/p.py',
    `class Plugin:\n    def execute(self):\n        raise ModuleNotFoundError("No module named 'yaml'", name="yaml")\n`,
  );
  expect((await run('p')).stderr).toMatch(
    /ModuleNotFoundError: No module named 'yaml'\nTo install it, run: .* -m pip install pyyaml\n/,
  );
});

test('a plugin module that is not there is no package to install', async () => {
  write('p/p.json', { name: 'p', module: 'nosuch_plugin', worker: 'python' });
  const { stderr } = await run('p');
  expect(stderr).toContain(`there is no module 'nosuch_plugin' in ${join(folder, 'p')}`);
  expect(stderr).not.toContain('pip install');
});

test('a package that a Node plugin imports and that is not installed is told with the command that installs it', async () => {
  write('p/p.json', { name: 'p', module: './p.mjs' });
  write('p/p.mjs', `import '@nosuch/package/part';\n`);
  const { stderr } = await run('p');
  expect(stderr).toContain(`Cannot find package '@nosuch/package' imported from ${join(folder, 'p/p.mjs')}`);
  expect(stderr).toContain(`To install it, run: npm install --prefix ${join(folder, 'p')} @nosuch/package`);
});

test('a traceback after the hint is whole, as the interpreter printed it, with the errors that caused it', async () => {
  write('p/p.json', { name: 'p', module: './p.py' });
  const steps = Array.from({ length: 12 }, (_, n) => `def f${n}():\n    f${n + 1}()\n`).join('');
  write(
    'p/p.py',
    `${steps}def f12():\n    raise ValueError("the cause")\nprint("before")\ntry:\n    f0()\nexcept ValueError as error:\n    raise RuntimeError("the end") from error\n`,
  );
  const { stderr } = await run('p');
  const [, , first, ...rest] = stderr.split('\n');
  expect(first).toBe('Traceback (most recent call last):');
  expect(rest[0]).toMatch(/^ {2}File ".*p\.py", line \d+, in <module>$/);
  for (let n = 0; n < 13; n += 1) expect(stderr).toContain(`in f${n}\n    `);
  expect(stderr).toMatch(
    /\nValueError: the cause\n\nThe above exception was the direct cause .*\n\nTraceback [^]*\nRuntimeError: the end\n$/,
  );
});

test('a process that ends is told by its last output, and by the signal that killed it', async () => {
  write('p/p.json', { name: 'p', module: './p.py' });
  write(
    'p/p.py',
    'import os\nclass Plugin:\n    def execute(self):\n        print("loading 300 MB", flush=True)\n        os.kill(os.getpid(), 9)\n',
  );
  const { status, stderr } = await run('p');
  expect([status, stderr]).toEqual([
    6,
    expect.stringContaining('The worker of "p" was killed (SIGKILL). Last output: loading 300 MB'),
  ]);
});
