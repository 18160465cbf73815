import { execFile, execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COMMON_OPTIONS, type Command, SETTINGS_OPTIONS } from '../src/cli/command.ts';
import { COMMANDS } from '../src/cli/commands.ts';
import { EXIT_STATUSES } from '../src/cli/exit-status.ts';
import { ERROR_CODES } from '../src/errors.ts';
import { KEYS } from '../src/imports/llama-swap/keys.ts';
import { manifestJsonSchema } from '../src/manifest/json-schema.ts';
import { manifestShape, parseManifest } from '../src/manifest/schema.ts';
import { CALL_DURATION } from '../src/metrics/call-tally.ts';
import { MACHINE_METRICS } from '../src/metrics/machine-metrics.ts';
import type { Metric } from '../src/metrics/metric.ts';
import { PLUGIN_METRICS } from '../src/metrics/plugin-metrics.ts';
import { Supervisor } from '../src/runtime/supervisor.ts';
import { resolveSettings } from '../src/settings/resolve.ts';
import { settingsShape } from '../src/settings/schema.ts';
import { BlockingSupervisor } from '../src/sync/blocking-supervisor.ts';
import { TOOL_FIELDS } from '../src/tools/tool.ts';
import { kindNames, kindOf } from '../src/worker-kinds/kinds.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);
const AsyncFunction = (async () => {}).constructor as FunctionConstructor;

const PAGES = [
  ...['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'examples/README.md'],
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

const read = (page: string): string => readFileSync(join(root, page), 'utf8');

/** One fenced block: its language, the words after it, and `file` of those. */
interface Block {
  readonly page: string;
  readonly line: number;
  readonly language: string;
  readonly words: readonly string[];
  readonly file: string | undefined;
  readonly code: string;
}

function blocksOf(page: string): Block[] {
  const source = read(page);
  return [...source.matchAll(/^```(\w+)([^\n]*)\n(.*?)^```$/gms)].map(({ 1: language, 2: info, 3: code, index }) => {
    const words = (info ?? '').trim().split(/\s+/);
    const file = words.find((word) => word.startsWith('file='))?.slice('file='.length);
    const line = source.slice(0, index).split('\n').length;
    return { page, line, language: language ?? '', words, file, code: code ?? '' };
  });
}

const BLOCKS = PAGES.flatMap(blocksOf);
const where = ({ page, line }: Block): string => `${page}:${line}`;
const titled = (blocks: readonly Block[]): [string, Block][] => blocks.map((block) => [where(block), block]);

/** The cells of the first table below a heading, without its head; code marks of a cell are kept. */
function tableUnder(page: string, heading: string): string[][] {
  const [, below = ''] = read(page).split(`\n${heading}\n`);
  const [table = ''] = /(?:^\|.*\n)+/m.exec(below) ?? [];
  const rows = table.trim().split('\n').slice(2);
  return rows.map((row) => row.split(/(?<!\\)\|/).map((cell) => cell.trim())).map((cells) => cells.slice(1, -1));
}

const firstColumn = (rows: string[][]): string[] => rows.map(([cell = '']) => cell.replaceAll('`', ''));

describe('tables', () => {
  test('of errors has every code with its meaning, in order', () => {
    const rows = tableUnder('docs/errors.md', '## Codes').map(([code, meaning]) => [
      code?.replaceAll('`', ''),
      meaning,
    ]);
    expect(rows).toEqual(Object.entries(ERROR_CODES));
    // What an error has as details is known to types alone.
    const typed = readFileSync(join(root, 'src/error-details.ts'), 'utf8').matchAll(/^ {2}(E_\w+):/gm);
    const documented = tableUnder('docs/errors.md', '### Details').map(([code]) => code?.replaceAll('`', ''));
    expect(documented).toEqual([...typed].map(([, code]) => code));
  });

  test('of manifest fields has every field, in order', () => {
    expect(firstColumn(tableUnder('docs/manifest.md', '## Fields'))).toEqual(Object.keys(manifestShape));
  });

  test('of worker kinds has every kind with the fields that it needs, in the order in which they are inferred', () => {
    const rows = tableUnder('docs/manifest.md', '### Worker kinds').map(([kind, needs]) => [kind, needs]);
    const kinds = kindNames().map((name) => kindOf({ worker: name }));
    const code = (name: string): string => `\`${name}\``;
    expect(rows).toEqual(
      kinds.map(({ name, required }) => [
        code(name),
        required.map((each) => [each].flat().map(code).join(' or ')).join(', '),
      ]),
    );
  });

  test('of the fields of a tool has every one, in order', () => {
    expect(firstColumn(tableUnder('docs/manifest.md', '### Tools'))).toEqual([...TOOL_FIELDS]);
  });

  test.each([
    ['### Python packages', 'python'],
    ['### Resources', 'resources'],
    ['### Instances', 'instances'],
    ['### Liveness', 'liveness'],
    ['### Ready', 'ready'],
    ['### Filters', 'filters'],
    ['### Restart', 'restart'],
  ])('of the manifest under "%s" has every field, in order', (heading, field) => {
    const fields = manifestJsonSchema()['properties'] as Record<string, JsonSchema>;
    expect(firstColumn(tableUnder('docs/manifest.md', heading))).toEqual(leavesOf(fields[field] ?? {}));
  });

  test('of the keys of llama-swap has every one, with what becomes of it, in order', () => {
    const rows = KEYS.map(({ key, verdict, what }) => [`\`${key}\``, verdict, what]);
    expect(tableUnder('docs/coming-from-llama-swap.md', '## Keys')).toEqual(rows);
  });

  test('of options has every setting, with its default', () => {
    const rows = tableUnder('docs/embedding.md', '## Options');
    const settings = resolveSettings({}, { env: {}, cwd: join(root, 'docs') });
    expect(firstColumn(rows)).toEqual(Object.keys(settingsShape));
    for (const [name = '', value = ''] of rows) {
      // A default that is said in words, or depends on the machine, cannot be compared.
      const [, json] = /^`(true|false|\d+|\[\]|".*")`$/.exec(value) ?? [];
      if (json !== undefined) expect(Reflect.get(settings, name.replaceAll('`', '')), name).toEqual(JSON.parse(json));
    }
  });

  test('of metrics has every metric, with its type, its labels and its meaning, in order', () => {
    const row = ({ kind, name, help, label }: Metric<never>, ...common: string[]): string[] => {
      const labels = label === undefined ? common : [...common, label];
      return [`\`${name}\``, kind, labels.map((each) => `\`${each}\``).join(', '), help];
    };
    expect(tableUnder('docs/metrics.md', '### Of each plugin')).toEqual([
      [`\`${CALL_DURATION.name}\``, 'histogram', '`plugin`', CALL_DURATION.help],
      ...PLUGIN_METRICS.map((metric) => row(metric, 'plugin')),
    ]);
    expect(tableUnder('docs/metrics.md', '### Of the machine')).toEqual(MACHINE_METRICS.map((metric) => row(metric)));
  });
});

test('the tables of methods have every method of a supervisor, and say "promise" of those that are async', () => {
  const rows = ['### Life cycle', '### Calls and config', '### State'].flatMap((heading) =>
    tableUnder('docs/embedding.md', heading),
  );
  const told = rows.flatMap(([cell = '', returns = '']) =>
    [...cell.matchAll(/`(\w+)/g)].map(([, name = '']) => ({ name, waits: returns.startsWith('promise') })),
  );
  const internal = new Set([
    'constructor',
    'serveInspector',
    'recordInspector',
    'listing',
    'manifests',
    'callable',
    'jobPort',
    'onChange',
    'mcpPlugin',
    'installing',
    'onNotice',
    'onSolved',
    'jobPort',
  ]);
  const methods = Object.getOwnPropertyNames(Supervisor.prototype).filter((name) => !internal.has(name));
  expect([...new Set(told.map(({ name }) => name))].toSorted()).toEqual(methods.toSorted());
  for (const { name, waits } of told) {
    const method: unknown = Object.getOwnPropertyDescriptor(Supervisor.prototype, name)?.value;
    if (method instanceof AsyncFunction) expect(waits, name).toBe(true);
  }
});

test('the table of blocking methods has every one of them', () => {
  const told = tableUnder('docs/blocking-calls.md', '## Methods').flatMap(([cell = '']) =>
    [...cell.matchAll(/`(\w+)/g)].map(([, name = '']) => name),
  );
  const methods = Object.getOwnPropertyNames(BlockingSupervisor.prototype).filter((name) => name !== 'constructor');
  expect(told.toSorted()).toEqual(methods.toSorted());
});

describe('the layout of the source', () => {
  test('names every folder', () => {
    const layout = readFileSync(join(root, 'src/index.ts'), 'utf8').split('*/')[0] ?? '';
    const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const named = [...layout.matchAll(/`([a-z-]+)\/`/g)].map(([, name]) => name);
    expect(named).toEqual(expect.arrayContaining(folders.map(({ name }) => name)));
  });

  test('of which documents speak is there', () => {
    const missing = PAGES.flatMap((page) =>
      [...readFileSync(join(root, page), 'utf8').matchAll(/`((?:src|test|bench|scripts|python)\/[\w./-]*)`/g)]
        .map(([, path = '']) => path)
        .filter((path) => !existsSync(join(root, path)))
        .map((path) => `${page}: ${path}`),
    );
    expect(missing).toEqual([]);
  });
});

describe('the command line', () => {
  const page = 'docs/command-line.md';

  test('has a section for every command, in the order of the help', () => {
    const sections = [...read(page).matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
    expect(sections).toEqual([...Object.keys(COMMANDS), 'Exit status']);
  });

  test.each(Object.entries(COMMANDS))('tells every option of "%s"', async (name, entry) => {
    const { command } = await entry.load();
    const [section = ''] = read(page).split(`\n## ${name}\n`)[1]?.split('\n## ') ?? [];
    if (!('commands' in command)) return expectOptions(section, command);
    const [, ...parts] = section.split('\n### ');
    expect(parts.map((part) => part.split('\n')[0])).toEqual(
      Object.keys(command.commands).map((each) => `${name} ${each}`),
    );
    for (const [at, each] of Object.values(command.commands).entries())
      expectOptions(parts[at] ?? '', (await each.load()).command);
  });

  function expectOptions(section: string, command: Command): void {
    expect(section).toContain(`\`greenroom ${command.usage}\``);
    const common = { ...COMMON_OPTIONS, ...SETTINGS_OPTIONS };
    const own = Object.entries(command.options).filter(([option]) => !(option in common));
    const told = section.split('\n').flatMap((line) => /^\| (`-.*?) \|/.exec(line)?.[1] ?? []);
    expect(told).toEqual(
      own.map(([option, { short, value }]) => {
        const long = `\`--${option}${value === undefined ? '' : ` ${value}`}\``;
        return short === undefined ? long : `\`-${short}\`, ${long}`;
      }),
    );
  }

  test('tells what every exit status says', () => {
    const rows = tableUnder(page, '## Exit status').map(([status = '', says]) => [status.replaceAll('`', ''), says]);
    expect(rows).toEqual(Object.entries(EXIT_STATUSES));
  });
});

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly anyOf?: readonly JsonSchema[];
}

/** The dotted names of the fields that hold no other fields. */
function leavesOf(schema: JsonSchema): string[] {
  const properties = schema.properties ?? schema.anyOf?.find((choice) => choice.properties)?.properties ?? {};
  return Object.entries(properties).flatMap(([name, property]) =>
    property.properties === undefined ? [name] : leavesOf(property).map((leaf) => `${name}.${leaf}`),
  );
}

test('the diagrams are those of the machines, and the table of options is that of the settings', async () => {
  await run(process.execPath, [join(root, 'scripts/diagrams.mjs'), '--check']);
});

describe('links', () => {
  test.each(PAGES)('of %s lead somewhere', (page) => {
    const text = read(page).replaceAll(/^```.*?^```$/gms, '');
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
    const broken = links.filter((link) => !/^https?:/.test(link) && !leads(page, link));
    expect(broken).toEqual([]);
  });

  function leads(page: string, link: string): boolean {
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? join(root, page) : resolve(root, dirname(page), path);
    let text: string;
    try {
      if (anchor === undefined) return readdirSync(dirname(target)).includes(target.slice(dirname(target).length + 1));
      text = readFileSync(target, 'utf8');
    } catch {
      return false;
    }
    const headings = [...text.replaceAll(/^```.*?^```$/gms, '').matchAll(/^#+ (.*)$/gm)].map(
      ([, heading = '']) => heading,
    );
    return headings.some((heading) => slugOf(heading) === anchor);
  }

  /** The anchor that GitHub gives a heading. */
  function slugOf(heading: string): string {
    return heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
  }
});

describe('code', () => {
  let folder = '';
  const folderOf = (page: string): string => join(folder, page.replaceAll(/\W/g, '-'));

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'gr-'));
    for (const name of ['run', 'home', 'bin']) mkdirSync(join(folder, name));
    symlinkSync(join(root, 'bin/greenroom.js'), join(folder, 'bin/greenroom'));
    for (const page of PAGES) {
      // As it is in a project that has installed the package.
      mkdirSync(join(folderOf(page), 'node_modules'), { recursive: true });
      symlinkSync(root, join(folderOf(page), 'node_modules/greenroom'));
    }
    for (const { page, file, code } of BLOCKS) {
      if (file === undefined) continue;
      mkdirSync(dirname(join(folderOf(page), file)), { recursive: true });
      writeFileSync(join(folderOf(page), file), code);
    }
  });

  afterAll(() => {
    // A program that has stopped its supervisor leaves no socket behind.
    const left = readdirSync(join(folder, 'run'));
    rmSync(folder, { recursive: true, force: true });
    expect(left).toEqual([]);
  });

  /** Runs a program in the page's folder; rejects, with what it printed, unless it ends with status 0. */
  async function runIn(page: string, file: string, args: readonly string[]): Promise<string> {
    const { stdout } = await run(file, args, {
      cwd: folderOf(page),
      env: {
        ...process.env,
        GREENROOM_HOME: join(folder, 'home'),
        XDG_RUNTIME_DIR: join(folder, 'run'),
        PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH']}`,
        // Set by the test runner; node:test would think that it runs below it.
        NODE_TEST_CONTEXT: undefined,
      },
    });
    return stdout;
  }

  function save({ page, line, code }: Block): string {
    const file = join(folderOf(page), `block-${line}.mjs`);
    writeFileSync(file, code);
    return file;
  }

  const js = BLOCKS.filter(({ language }) => language === 'js');
  const isProgram = ({ words, file }: Block): boolean => file === undefined && !words.includes('fragment');

  test.concurrent.each(titled(js.filter(isProgram)))(
    'at %s runs, and prints what its comments say',
    async (_, block) => {
      const printed = await runIn(block.page, process.execPath, [save(block)]);
      for (const [, comment = ''] of block.code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)) {
        expect(printed.split('\n')).toContain(comment);
      }
    },
  );

  test.concurrent.each(titled(js.filter((block) => !isProgram(block))))('at %s parses', async (_, block) => {
    await runIn(block.page, process.execPath, ['--check', save(block)]);
  });

  test('in Python compiles', () => {
    const files = BLOCKS.filter(({ language }) => language === 'python').map((block) => {
      const file = join(folderOf(block.page), `block_${block.line}.py`);
      writeFileSync(file, block.code);
      return file;
    });
    expect(files).not.toEqual([]);
    execFileSync('python3', ['-m', 'py_compile', ...files]);
  });

  test.each(titled(BLOCKS.filter(({ language }) => language === 'json')))(
    'at %s is JSON, and valid if it is a manifest',
    (_, block) => {
      const value = JSON.parse(block.code) as Record<string, unknown>;
      if ('name' in value) expect(parseManifest(value)).toMatchObject({ ok: true, warnings: [] });
    },
  );

  test.each(titled(BLOCKS.filter(({ language, words }) => language === 'sh' && words.includes('run'))))(
    'at %s runs in a shell',
    async (_, block) => {
      await runIn(block.page, 'sh', ['-ec', block.code]);
    },
  );

  test('names no language that is not looked at', () => {
    const known = new Set(['js', 'json', 'python', 'sh', 'text', 'mermaid']);
    expect(BLOCKS.filter(({ language }) => !known.has(language)).map(where)).toEqual([]);
    const fences = PAGES.flatMap((page) => [...read(page).matchAll(/^```$/gm)].length);
    expect(
      fences.reduce((sum, count) => sum + count, 0),
      'a fence without a language',
    ).toBe(BLOCKS.length);
  });
});

test('every page of the documentation is named in the README', () => {
  const readme = read('README.md');
  expect(PAGES.filter((page) => page !== 'README.md' && !readme.includes(`(${page})`))).toEqual([]);
});
