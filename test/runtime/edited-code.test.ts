import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFailed, onTestFinished, test } from 'vitest';
import type { CodeEvent } from '../../src/index.ts';
import { eventually } from '../eventually.ts';
import { NO_SETTINGS, PYTHON, write } from '../python-envs/python.ts';
import { type OpenedSupervisor, openSupervisor } from './greenroom.ts';

/** A language that plugins are written in: its file, and its code with a value that calls are answered with. */
interface Language {
  readonly file: string;
  readonly manifest: Readonly<Record<string, unknown>>;
  readonly helper: string;
  plugin(more?: string): string;
  value(value: number): string;
  readonly fault: { readonly code: string; readonly message: RegExp };
  /** Further files beside the manifest. */
  readonly more?: Readonly<Record<string, string>>;
}

const python: Language = {
  file: 'plugin.py',
  manifest: { module: 'plugin', class: 'Plugin' },
  helper: 'helper.py',
  plugin: (more = '') => `import helper\n${more}\nclass Plugin:\n    def execute(self):\n        return helper.VALUE\n`,
  value: (value) => `# The value.\nVALUE = ${value}\n`,
  fault: { code: '# The value.\nVALUE = = 3\n', message: /^SyntaxError: / },
};

const script = (ending: string, manifest: Readonly<Record<string, unknown>> = {}): Language => ({
  file: `plugin.${ending}`,
  manifest: { module: `./plugin.${ending}`, ...manifest },
  helper: `helper.${ending}`,
  plugin: (more = '') =>
    `import { value } from './helper.${ending}';\n${more}\nexport default { execute: () => value };\n`,
  value: (value) => `// The value.\nexport const value${ending === 'ts' ? ': number' : ''} = ${value};\n`,
  fault: { code: '// The value.\nexport const value = = 3;\n', message: /^SyntaxError/ },
});

const LANGUAGES: readonly [string, Language][] = [
  ['plugin.py', python],
  ['plugin.mjs', script('mjs')],
  ['plugin.ts', script('ts')],
];

interface Author extends OpenedSupervisor {
  readonly folder: string;
  readonly news: readonly CodeEvent[];
  /** Resolves when something has come of a change, after this was called. */
  told(outcome: CodeEvent['outcome']): Promise<CodeEvent>;
  save(file: string, text: string): void;
  readonly value: () => Promise<unknown>;
}

/** A plugin in a folder of its own, loaded, whose code is followed, and whose worker has said which files it has loaded. */
async function author(language: Language, more = '', options: Record<string, unknown> = {}): Promise<Author> {
  let folder = '';
  const opened = await openSupervisor(
    ({ plugins }) => {
      folder = join(plugins, 'plugin');
      mkdirSync(folder);
      // Its packages are not followed, and what compiles TypeScript is found there.
      mkdirSync(join(folder, 'node_modules'));
      symlinkSync(
        dirname(createRequire(import.meta.url).resolve('tsx/package.json')),
        join(folder, 'node_modules/tsx'),
      );
      writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ name: 'plugin', ...language.manifest }));
      writeFileSync(join(folder, language.file), language.plugin(more));
      writeFileSync(join(folder, language.helper), language.value(1));
      for (const [file, text] of Object.entries(language.more ?? {})) writeFileSync(join(folder, file), text);
      return {};
    },
    { watchCode: true, ...options },
  );
  const news: CodeEvent[] = [];
  opened.supervisor.on('code', (event) => news.push(event));
  onTestFailed(() => console.error(news));
  return {
    ...opened,
    folder,
    news,
    told: async (outcome) => {
      const from = news.length;
      const found = (): CodeEvent | undefined => news.slice(from).find((event) => event.outcome === outcome);
      await eventually(() => expect(found()).toBeDefined(), { interval: 5 });
      return found() as CodeEvent;
    },
    save: (file, text) => writeFileSync(join(folder, file), text),
    value: () => opened.supervisor.execute('plugin'),
  };
}

/** Calls one after the other until what is returned is called, which gives all answers, or rejects with an error of one. */
function load({ value }: Author, lanes = 3): () => Promise<ReadonlySet<unknown>> {
  const over = new AbortController();
  const answers = new Set<unknown>();
  const lane = async (): Promise<void> => {
    while (!over.signal.aborted) answers.add(await value());
  };
  const running = Promise.all(Array.from({ length: lanes }, lane));
  running.catch(() => {});
  onTestFinished(() => over.abort());
  return async () => {
    over.abort();
    await running;
    return answers;
  };
}

test.each(LANGUAGES)(
  'an edit of %s or of what it imports is served after the save, and no call under load is lost',
  async (_, language) => {
    const plugin = await author(language);
    expect(await plugin.value()).toBe(1);
    const end = load(plugin);
    for (const [file, text, value] of [
      [language.helper, language.value(2), 2],
      [language.file, language.plugin('\n'), 2],
      [language.helper, language.value(3), 3],
    ] as const) {
      const served = plugin.told('served');
      plugin.save(file, text);
      expect(await served).toMatchObject({ plugin: 'plugin', files: [join(plugin.folder, file)] });
      expect(await plugin.value()).toBe(value);
    }
    expect(await end()).toEqual(new Set([1, 2, 3]));
    expect(plugin.snapshot('plugin')).toMatchObject({ generation: 4, restarts: 0 });
  },
);

test.each(LANGUAGES)(
  'a syntax error beside %s is told with file, line and text, and the old worker serves on',
  async (_, language) => {
    const plugin = await author(language);
    expect(await plugin.value()).toBe(1);
    const { pid } = plugin.snapshot('plugin');
    const faulty = plugin.told('faulty');
    plugin.save(language.helper, language.fault.code);
    const [, line] = language.fault.code.split('\n');
    expect(await faulty).toMatchObject({
      fault: {
        file: join(plugin.folder, language.helper),
        line: 2,
        text: line,
        message: expect.stringMatching(language.fault.message),
      },
    });
    expect(await plugin.value()).toBe(1);
    expect(plugin.snapshot('plugin')).toMatchObject({ pid, generation: 1 });
    const { supervisor } = plugin;
    const fault = `The changed code is not run: ${join(plugin.folder, language.helper)}:2: `;
    expect(supervisor.explain('plugin')).toMatchObject({
      codeFault: expect.stringContaining(fault),
      lines: expect.arrayContaining([expect.stringContaining(`code     ${fault}`)]),
    });
    await eventually(async () => expect(await supervisor.logs('plugin')).toContain(fault));
    // Taken back, there is nothing that is not served.
    plugin.save(language.helper, language.value(1));
    await eventually(() => expect(supervisor.explain('plugin').codeFault).toBeUndefined());
    const served = plugin.told('served');
    plugin.save(language.helper, language.value(5));
    await served;
    expect(await plugin.value()).toBe(5);
    expect(supervisor.explain('plugin').codeFault).toBeUndefined();
  },
);

test('a save by rename, as editors do it, is served: an atomic one, and that of vim', async () => {
  const plugin = await author(python);
  expect(await plugin.value()).toBe(1);
  const at = (name: string): string => join(plugin.folder, name);
  const atomic = plugin.told('served');
  plugin.save('helper.py.tmp', python.value(2));
  renameSync(at('helper.py.tmp'), at('helper.py'));
  await atomic;
  expect(await plugin.value()).toBe(2);
  for (const value of [3, 4]) {
    const vim = plugin.told('served');
    plugin.save('.helper.py.swp', 'swap');
    plugin.save('4913', '');
    unlinkSync(at('4913'));
    renameSync(at('helper.py'), at('helper.py~'));
    plugin.save('helper.py', python.value(value));
    unlinkSync(at('helper.py~'));
    unlinkSync(at('.helper.py.swp'));
    await vim;
    expect(await plugin.value()).toBe(value);
  }
});

test('a plugin that writes beside its code is left alone: other files, sources that it has not loaded, and its own code again', async () => {
  const plugin = await author(
    python,
    [
      'import os, time',
      'here = os.path.dirname(os.path.abspath(__file__))',
      'for name in ("out.json", "made.py"):',
      '    with open(os.path.join(here, name), "w") as file: file.write("written = %r" % time.time())',
      'with open(helper.__file__) as file: text = file.read()',
      'with open(helper.__file__, "w") as file: file.write(text)',
    ].join('\n'),
  );
  expect(await plugin.value()).toBe(1);
  const served = plugin.told('served');
  plugin.save('helper.py', python.value(2));
  await served;
  // Had the first start, or that of the new worker, led to a change, it would have been told before this one.
  const next = plugin.told('served');
  plugin.save('helper.py', python.value(3));
  await next;
  expect(await plugin.value()).toBe(3);
  expect(plugin.snapshot('plugin').generation).toBe(3);
});

test('what a call has imported later is followed, and what is imported from elsewhere', async () => {
  const plugin = await author(python);
  const elsewhere = join(plugin.scratch, 'shared.py');
  writeFileSync(elsewhere, 'VALUE = 1\n');
  plugin.save(
    'plugin.py',
    `import sys\nsys.path.append(${JSON.stringify(plugin.scratch)})\nclass Plugin:\n    def execute(self):\n        import shared\n        return shared.VALUE\n`,
  );
  expect(await plugin.value()).toBe(1);
  // It is asked again when a call has ended, once in a while.
  const edited = eventually(
    async () => {
      writeFileSync(elsewhere, `VALUE = ${Date.now()}\n`);
      await plugin.value();
      expect(plugin.news.some(({ files }) => files.includes(elsewhere))).toBe(true);
    },
    { interval: 100 },
  );
  await edited;
  await eventually(async () => expect(await plugin.value()).toBeGreaterThan(1), { interval: 20 });
});

test('a plugin that did not start is started again by the edit that may be its fix, also in a file that no worker has told of', async () => {
  const plugin = await author(python, 'import later', { restart: { intensity: 0 } });
  await expect(plugin.value()).rejects.toMatchObject({ code: 'E_START' });
  const failed = plugin.told('failed');
  plugin.save('later.py', 'raise RuntimeError("not yet")\n');
  expect(await failed).toMatchObject({ reason: expect.stringContaining('not yet') });
  const served = plugin.told('served');
  plugin.save('later.py', '');
  await served;
  expect(await plugin.value()).toBe(1);
});

test('an edit that imports what is not there leaves the old worker serving, and that file makes the next one', async () => {
  const plugin = await author(script('mjs'));
  expect(await plugin.value()).toBe(1);
  const failed = plugin.told('failed');
  plugin.save('plugin.mjs', "import { value } from './new.mjs';\nexport default { execute: () => value };\n");
  expect(await failed).toMatchObject({ reason: expect.stringContaining('new.mjs') });
  expect(await plugin.value()).toBe(1);
  const served = plugin.told('served');
  plugin.save('new.mjs', 'export const value = 7;\n');
  await served;
  expect(await plugin.value()).toBe(7);
});

test('a change of code that nobody has loaded is checked, and starts nothing', async () => {
  const plugin = await author(python);
  const faulty = plugin.told('faulty');
  plugin.save('helper.py', python.fault.code);
  await faulty;
  const next = plugin.told('next-start');
  plugin.save('helper.py', python.value(2));
  await next;
  expect(plugin.snapshot('plugin')).toMatchObject({ state: 'discovered', generation: 0 });
  expect(await plugin.value()).toBe(2);
});

test('with one slot the worker is replaced after its calls, and none is lost', async () => {
  const plugin = await author(script('mjs'), '', { capacity: { slots: 1 } });
  expect(await plugin.value()).toBe(1);
  const end = load(plugin);
  const served = plugin.told('served');
  plugin.save('helper.mjs', script('mjs').value(2));
  await served;
  expect(await plugin.value()).toBe(2);
  expect(await end()).toEqual(new Set([1, 2]));
});

test('many files that change together are replaced once', async () => {
  const plugin = await author(python);
  const names = Array.from({ length: 30 }, (_, index) => `part${index}`);
  for (const name of names) plugin.save(`${name}.py`, 'VALUE = 1\n');
  const noticed = plugin.told('next-start');
  plugin.save('plugin.py', `${names.map((name) => `import ${name}\n`).join('')}${python.plugin()}`);
  await noticed;
  expect(await plugin.value()).toBe(1);
  const served = plugin.told('served');
  for (const name of names) plugin.save(`${name}.py`, 'VALUE = 2\n');
  expect((await served).files).toHaveLength(names.length);
  expect(plugin.snapshot('plugin').generation).toBe(2);
});

test('without events of the system the files are read again and again', async () => {
  const plugin = await author(python, '', { watch: 'poll', pollMs: 20 });
  expect(await plugin.value()).toBe(1);
  const served = plugin.told('served');
  plugin.save('helper.py', python.value(2));
  await served;
  expect(await plugin.value()).toBe(2);
});

test('code is not followed where that is not set', async () => {
  const plugin = await author(python, '', { watchCode: undefined });
  expect(await plugin.value()).toBe(1);
  plugin.save('helper.py', python.value(2));
  plugin.save('manifest.json', JSON.stringify({ name: 'plugin', ...python.manifest, description: 'changed' }));
  await plugin.supervisor.discover();
  expect(await plugin.value()).toBe(1);
  expect(plugin.news).toEqual([]);
  expect(readFileSync(join(plugin.folder, 'helper.py'), 'utf8')).toBe(python.value(2));
  rmSync(join(plugin.folder, 'helper.py'));
});

test('what is checked by is the Python of the environment, not another one that is first on PATH', async () => {
  const bin = mkdtempSync(join(tmpdir(), 'gr-pythons-'));
  onTestFinished(() => rmSync(bin, { recursive: true, force: true }));
  write(join(bin, 'python3'), '#!/bin/sh\nexit 1\n', 0o755);
  write(join(bin, 'python3.20'), `#!/bin/sh\nexec '${PYTHON}' "$@"\n`, 0o755);
  const plugin = await author({
    ...python,
    manifest: {
      ...python.manifest,
      python: { requirements: 'requirements.txt' },
      env_vars: { ...NO_SETTINGS, PATH: `${bin}:${process.env['PATH']}` },
    },
    more: { 'requirements.txt': '' },
  });
  expect(await plugin.value()).toBe(1);
  const faulty = plugin.told('faulty');
  plugin.save(python.helper, python.fault.code);
  expect(await faulty).toMatchObject({ fault: { line: 2, message: expect.stringMatching(python.fault.message) } });
  expect(await plugin.value()).toBe(1);
});
