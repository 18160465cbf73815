import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { failure, type OpenedSupervisor, openSupervisor } from './greenroom.ts';

/** Whether this Node runs TypeScript by removing its types. */
const strips = 'typescript' in process.features && process.features.typescript !== false;

/** A plugin of these files, in a folder of its own. */
async function openPlugin(
  files: Readonly<Record<string, string>>,
  tsx = false,
): Promise<OpenedSupervisor & { readonly folder: string }> {
  let folder = '';
  const opened = await openSupervisor(({ scratch }) => {
    folder = scratch;
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(scratch, file)), { recursive: true });
      writeFileSync(join(scratch, file), text);
    }
    if (tsx) {
      mkdirSync(join(scratch, 'node_modules'), { recursive: true });
      const real = dirname(createRequire(import.meta.url).resolve('tsx/package.json'));
      symlinkSync(real, join(scratch, 'node_modules/tsx'));
    }
    return { plugin: { module: join(scratch, 'plugin.ts'), restart: { policy: 'temporary' } } };
  });
  return { ...opened, folder };
}

const PLAIN = 'const value: number = 3;\nexport default { execute: (): number => value };\n';

const ENUM = 'enum Color { Red = 1 }\nexport default { execute: () => Color.Red };\n';
const PROPERTY =
  'class Point {\n  constructor(private x: number) {}\n}\nexport default { execute: () => new Point(1) };\n';
const IMPORT = "import { value } from './helper.js';\nexport default { execute: () => value };\n";
const PACKAGE = "import { value } from 'typed';\nexport default { execute: () => value };\n";

const HELPER = { 'helper.ts': 'export const value: number = 4;\n' };
const TYPED = {
  'node_modules/typed/package.json': '{"name":"typed","type":"module","exports":"./typed.ts"}',
  'node_modules/typed/typed.ts': 'export const value: number = 5;\n',
};

test('with tsx in its folder a plugin in TypeScript runs in every version of Node, whatever it is made of', async () => {
  const { supervisor } = await openPlugin(
    {
      'plugin.ts': `import { value } from './helper.js';\nimport { value as other } from 'typed';\nenum Color { Red = 1 }\nclass Point {\n  constructor(readonly x: number) {}\n}\nexport default { execute: () => value + other + Color.Red + new Point(2).x };\n`,
      ...HELPER,
      ...TYPED,
    },
    true,
  );
  expect(await supervisor.execute('plugin')).toBe(12);
});

test.runIf(strips)('a plugin in TypeScript runs without tsx where Node removes types', async () => {
  const { supervisor } = await openPlugin({ 'plugin.ts': PLAIN });
  expect(await supervisor.execute('plugin')).toBe(3);
});

test.skipIf(strips)('an older Node says which file it cannot run, and which Node or package can', async () => {
  const { supervisor, folder } = await openPlugin({ 'plugin.ts': PLAIN });
  const { message } = await failure(supervisor.execute('plugin'));
  expect(message).toContain(`${join(folder, 'plugin.ts')} is TypeScript, which Node ${process.version} cannot run.`);
  expect(message).toContain('GREENROOM_NODE_PATH');
  expect(message).toContain(`run "npm install tsx" in ${folder}`);
});

test.runIf(strips).each([
  ['an enum', { 'plugin.ts': ENUM }, 'plugin.ts:1: TypeScript enum is not supported', 'const Color ='],
  [
    'a parameter property',
    { 'plugin.ts': PROPERTY },
    'plugin.ts:2: TypeScript parameter property',
    'in the constructor',
  ],
  [
    './x.js for x.ts',
    { 'plugin.ts': IMPORT, ...HELPER },
    'plugin.ts imports helper.js, and only helper.ts',
    'Import helper.ts',
  ],
  [
    '.ts in node_modules',
    { 'plugin.ts': PACKAGE, ...TYPED },
    'typed.ts is TypeScript in node_modules',
    'compiled to JavaScript',
  ],
])(
  'what Node cannot run of TypeScript is named with its place and what to write instead: %s',
  async (_, files, place, advice) => {
    const { supervisor, folder } = await openPlugin(files);
    const { message } = await failure(supervisor.execute('plugin'));
    expect(message).toContain(place);
    expect(message).toContain(advice);
    expect(message).toContain(`run "npm install tsx" in ${folder}`);
  },
);
