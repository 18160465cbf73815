import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { compileConsumer } from '../../consumer.ts';
import { folder, greenroom, start, write } from '../command-line.ts';

const EXAMPLES = fileURLToPath(new URL('../../../examples/plugins', import.meta.url));

/** Every tool of the examples, called as it should be. */
const RIGHT = `
import { createSupervisor, type CallOptions, type ToolInput, type ToolOutput } from 'greenroom';
import { createSupervisor as createBlocking } from 'greenroom/sync';

const supervisor = await createSupervisor();
const blocking = createBlocking();
const path = 'table.csv';
declare const maybe: number | undefined;

const count: number = await supervisor.execute('csv-tables', { path, rows: [{ name: 'Ada' }] }, { tool: 'append' });
const { rows, columns } = await supervisor.execute('csv-tables', { path }, { tool: 'describe', timeoutMs: 1_000 });
const kinds: ('number' | 'text' | 'empty' | undefined)[] = [columns[rows]?.kind];
for await (const row of supervisor.stream('csv-tables', { path, where: null, limit: maybe }, { tool: 'rows' })) {
  const cell: string | undefined = row['name'];
  console.log(cell);
}
for await (const row of supervisor.stream('csv-tables', { path, limit: 2n ** 53n }, { tool: 'rows' })) console.log(row);
const all: unknown = await supervisor.execute('csv-tables', { path }, { tool: 'rows' });

const command: unknown = await supervisor.execute('hello-command', ['any', 'thing']);
for await (const word of supervisor.stream('hello-node', { name: 'Ada' })) console.log(word);
const python: unknown = await supervisor.execute('hello-python');
for await (const word of supervisor.stream('hello-python', { name: 'Ada' }, { streamIdleMs: 1 })) console.log(word);
const found: unknown = await supervisor.execute('library-index', { action: 'search', query: 'any' });
for await (const hit of supervisor.stream('library-index', { action: 'index', files: [] })) console.log(hit['file']);
const media: unknown = await supervisor.execute('media-probe', { path }, { priority: 1 });
const near: unknown = await supervisor.execute('near-duplicates', { files: [path] });

const { title, text } = await supervisor.execute('notes', { title: 'one' }, { tool: 'read' });
const titles: string[] = [title, text];
await supervisor.execute('notes', { title, text }, { tool: 'write', validate: 'both' });
await supervisor.execute('notes', { title }, { tool: 'remove' });
for await (const note of supervisor.stream('notes', undefined, { tool: 'search' })) titles.push(note.title);
const input: ToolInput<'notes', 'write'> = { title, text };
const output: ToolOutput<'notes', 'read'> = input;

// What is known only at run time is not checked, nor is a call whose caller says what comes of it.
declare const name: string;
declare const tool: string;
declare const options: CallOptions;
const unchecked: unknown[] = [
  await supervisor.execute(name, { any: 1 }, options),
  await supervisor.execute(\`plugin-\${maybe ?? 0}\`),
  await supervisor.execute('notes', { any: 1 }, { tool }),
  supervisor.stream(name, [1], { tool: 'any' }),
  blocking.execute(name, { any: 1 }, { tool }),
];
const said: { any: number } = await supervisor.execute<{ any: number }>('notes', { any: 1 }, { tool: 'any' });
for await (const chunk of supervisor.stream<string>('notes', [], { tool: 'read' })) titles.push(chunk);
const later: string = await supervisor.execute<string>('installed-later', {}, options);

const blockingCount: number = blocking.execute('csv-tables', { path, rows: [] }, { tool: 'append' });
for (const note of blocking.stream('notes', { text: 'a' }, { tool: 'search' })) titles.push(note.text);
for (const word of blocking.stream('hello-node')) console.log(word);
export { all, blockingCount, command, count, found, kinds, later, media, near, output, python, said, unchecked };
`;

/** Mistakes, each on a line that the compiler has to refuse. */
const WRONG = [
  "supervisor.execute('cvs-tables', { path }, { tool: 'describe' })",
  "supervisor.execute('csv-tables', { path })",
  "supervisor.execute('csv-tables', { path }, { tool: 'descibe' })",
  "supervisor.execute('csv-tables', { path: 1 }, { tool: 'describe' })",
  "supervisor.execute('csv-tables', {}, { tool: 'describe' })",
  "supervisor.execute('csv-tables', undefined, { tool: 'describe' })",
  "supervisor.execute('csv-tables', { path, lines: 1 }, { tool: 'describe' })",
  "supervisor.execute('csv-tables', { path, rows: [{ name: 1 }] }, { tool: 'append' })",
  "supervisor.execute('csv-tables', { path, rows: [] }, { tool: 'append', timeout: 1 })",
  "(await supervisor.execute('csv-tables', { path }, { tool: 'describe' })).row",
  "(await supervisor.execute('csv-tables', { path, rows: [] }, { tool: 'append' })).length",
  "supervisor.stream('csv-tables', { path }, { tool: 'describe' })",
  "supervisor.stream('csv-tables', { path, limit: '1' }, { tool: 'rows' })",
  "blocking.stream('csv-tables', { path }, { tool: 'rows' }).next().value?.['name'].length",
  "supervisor.stream('hello-command', { name: 'Ada' })",
  "supervisor.execute('hello-node', {}, { tool: 'stream' })",
  "(await supervisor.execute('hello-node')).text",
  "supervisor.execute('hello-python', { nmae: 'Ada' })",
  "supervisor.execute('library-index', { action: 1 })",
  "supervisor.stream('media-probe', { path })",
  "supervisor.stream('near-duplicates', { files: [] })",
  "supervisor.execute('notes', { title: 'one' })",
  "supervisor.execute('notes', { titel: 'one' }, { tool: 'read' })",
  "supervisor.execute('notes', { title: 'one' }, { tool: 'write' })",
  "supervisor.execute('notes', 'one', { tool: 'remove' })",
  "supervisor.stream('notes', { title: 'one' }, { tool: 'search' })",
  "blocking.execute('cvs-tables')",
  "blocking.execute('csv-tables', { path }, { tool: 'append' })",
  "blocking.execute('csv-tables', { path, rows: [] }, { tool: 'append', signal: AbortSignal.abort() })",
  "blocking.stream('notes', { title: 'one' }, { tool: 'read' })",
];

test('what it writes of the examples checks each call of each tool, and so does greenroom/sync', async () => {
  const file = join(folder, 'greenroom.d.ts');
  const written = await greenroom('types', '--search-path', EXAMPLES, '-o', file);
  expect(written).toMatchObject({ status: 0, stdout: '' });
  const mistakes = WRONG.map((line) => `// @ts-expect-error\nvoid (${line});\n`);
  const { errors } = compileConsumer({
    'greenroom.d.ts': readFileSync(file, 'utf8'),
    'right.ts': RIGHT,
    'wrong.ts': `
      import { createSupervisor } from 'greenroom';
      import { createSupervisor as createBlocking } from 'greenroom/sync';
      const [supervisor, blocking, path] = [await createSupervisor(), createBlocking(), 'table.csv'];
      ${mistakes.join('')}`,
  });
  expect(errors).toEqual([]);
});

/** A plugin whose manifest says all of its tools, so that no worker is started. */
function declare(name: string, tools: readonly unknown[]): void {
  write(`.greenroom/plugins/${name}.json`, { name, command: 'node', tools });
}

const object = (properties: object, required: readonly string[] = []): object => {
  return { type: 'object', properties, required, additionalProperties: false };
};

test('unusual schemas have types, and what has none is named and may be called with anything', async () => {
  const bytes = { type: 'string', contentEncoding: 'base64' };
  const tree = { $ref: '#/$defs/Tree' };
  const $defs = { Tree: object({ size: { type: 'integer' }, under: { type: 'array', items: tree } }, ['size']) };
  const evil = { type: 'integer', tsType: 'string', title: 'Evil', description: 'ends */ here', default: 7 };
  const pair = { type: 'array', prefixItems: [{ type: 'integer' }, { type: 'string' }], minItems: 2, maxItems: 2 };
  const ids = { type: 'array', items: { type: ['integer', 'null'] } };
  const anchored = {
    type: 'object',
    properties: { a: { $ref: '#b' } },
    $defs: { b: { $anchor: 'b', type: 'string' } },
  };
  declare('a-b', [
    {
      name: 'x.y',
      description: 'A */ and\nB',
      input_schema: object({ bytes, any: {} }, ['bytes']),
      output_schema: bytes,
    },
    { name: 'x_y', input_schema: { ...object({ tree, evil, pair, ids }), $defs }, output_schema: { ...tree, $defs } },
    { name: 'open', input_schema: { type: 'object' }, output_schema: { type: 'object' }, streams: true },
  ]);
  declare('a_b', [{ name: 'x.y', output_schema: pair }]);
  declare('anchored', [{ name: 'execute', input_schema: anchored, output_schema: { type: 'string' } }]);
  write('.greenroom/plugins/broken.json', { name: 'broken', module: './missing.mjs', worker: 'node' });
  const { status, stdout, stderr } = await greenroom('types');
  expect(status).toBe(1);
  expect(stderr).toMatch(/The input_schema of "anchored", tool "execute", has no type/);
  expect(stderr).toMatch(/The tools of "broken" are not known/);
  expect(stdout).toContain('@default 7');
  const { errors } = compileConsumer({
    'greenroom.d.ts': stdout,
    'main.ts': `
      import { createSupervisor } from 'greenroom';
      const supervisor = await createSupervisor();
      const bytes: Uint8Array = await supervisor.execute('a-b', { bytes: Buffer.of(1), any: 1 }, { tool: 'x.y' });
      const { size, under } = await supervisor.execute(
        'a-b',
        { tree: { size: 2n ** 60n, under: [{ size: 1 }] }, evil: 1n, pair: [1, 'a'], ids: [1, 2n, null] },
        { tool: 'x_y' },
      );
      const total: number = size + (under?.[0]?.under?.length ?? 0);
      for await (const { any } of supervisor.stream('a-b', { any: 1 }, { tool: 'open' })) console.log(any);
      const [id, name]: [number, string] = await supervisor.execute('a_b', 'anything', { tool: 'x.y' });
      // @ts-expect-error
      await supervisor.execute('a-b', { bytes: 'a text' }, { tool: 'x.y' });
      // @ts-expect-error
      await supervisor.execute('a-b', { evil: 'a text' }, { tool: 'x_y' });
      // @ts-expect-error
      await supervisor.execute('a-b', { pair: [1, 'a', 2] }, { tool: 'x_y' });
      const text: string = await supervisor.execute('anchored', { a: 1 });
      const broken: unknown[] = [
        await supervisor.execute('broken', { a: 1 }),
        await supervisor.execute('broken', { a: 1 }, { tool: 'any' }),
        supervisor.stream('broken'),
      ];
      export { broken, bytes, id, name, text, total };
    `,
  });
  expect(errors).toEqual([]);
});

test('a file is replaced only where something has changed, and never one that it has not written', async () => {
  declare('second', [{ name: 'two' }, { name: 'one', output_schema: { type: 'string' } }]);
  declare('first', [{ name: 'one' }]);
  const file = join(folder, 'types', 'greenroom.d.ts');
  const missing = await greenroom('types', '-o', file);
  expect(missing).toMatchObject({ status: 4, stderr: expect.stringContaining('cannot be written') as string });
  write('types/greenroom.d.ts', '');
  expect(await greenroom('types', '-o', file)).toMatchObject({ status: 0, stdout: '' });
  const text = readFileSync(file, 'utf8');
  const order = [...text.matchAll(/"(first|second|one|two)":/g)].map(([, name]) => name);
  expect(order).toEqual(['first', 'one', 'second', 'one', 'two']);
  const { ino } = statSync(file);
  expect((await greenroom('types', '--output', file)).stderr).toContain('Nothing has changed');
  expect(statSync(file).ino).toBe(ino);

  declare('first', [{ name: 'other' }]);
  const changed = await greenroom('types', '-o', file, '--json');
  expect(JSON.parse(changed.stdout)).toEqual({
    ...{ file, changed: true, plugins: ['first', 'second'], untyped: [], schemas: [], problems: [] },
  });
  expect(readFileSync(file, 'utf8')).toContain('"other"');
  expect(readdirSync(join(folder, 'types'))).toEqual(['greenroom.d.ts']);

  const own = write('own.d.ts', 'export {};\n');
  const refused = await greenroom('types', '-o', own);
  expect(refused).toMatchObject({ status: 4, stderr: expect.stringContaining('was not written by') as string });
  expect(readFileSync(own, 'utf8')).toBe('export {};\n');
});

test('without the package that writes types it says how to get it, before any plugin is started', async () => {
  const hook = `export const resolve = (name, context, next) => {
    if (name.startsWith('json-schema-to')) throw new Error('Cannot find package');
    return next(name, context);
  };`;
  const hooks = `data:text/javascript,${encodeURIComponent(hook)}`;
  const preload = `import { register } from 'node:module'; register(${JSON.stringify(hooks)});`;
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}` };
  const { status, stderr } = await start(['types', '--search-path', EXAMPLES], { env }).ended;
  expect(status).toBe(4);
  expect(stderr).toContain('npm install --save-dev json-schema-to-typescript');
  expect(existsSync(join(folder, 'home', 'logs'))).toBe(false);
});
