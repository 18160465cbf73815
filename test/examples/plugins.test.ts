import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Frame } from '../../src/protocol.ts';
import type { KindCommand } from '../../src/worker-kinds/kind.ts';
import { python } from '../../src/worker-kinds/python.ts';
import { DEFAULT_PYTHON } from '../../src/worker-kinds/python-interpreter.ts';
import { type RunningWorker, startWorker } from '../conformance/driver.ts';

const examples = fileURLToPath(new URL('../../examples/plugins', import.meta.url));
const HOSTS: Readonly<Record<string, KindCommand & { readonly file: string }>> = {
  node: { file: process.execPath, args: [fileURLToPath(new URL('../../dist/node-sdk/host.js', import.meta.url))] },
  python: { ...python.command({ manifest: {}, resolved: {}, folder: '' }, {}), file: DEFAULT_PYTHON },
};
const hasFfmpeg = (() => {
  try {
    execFileSync('ffmpeg', ['-version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

let folder = '';
const workers: RunningWorker[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gr-examples-'));
});

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop()));
  rmSync(folder, { recursive: true, force: true });
});

interface Called {
  readonly frames: readonly Frame[];
  readonly result: unknown;
  readonly chunks: readonly unknown[];
  readonly error: { type: string; message: string; category?: string; details?: unknown } | undefined;
}

/** Starts an example the way its manifest says, with the defaults of its config under `config`. */
async function start(name: string, config: Record<string, unknown> = {}, path = process.env['PATH'] ?? '') {
  const home = join(examples, name);
  const manifest = JSON.parse(readFileSync(join(home, 'manifest.json'), 'utf8'));
  const command = manifest.worker === 'command';
  const plugin = { name: manifest.name, folder: home };
  const module = manifest.worker === 'node' ? resolve(home, manifest.module) : manifest.module;
  const settings = { ...process.env, PATH: path };
  const launched = withEnvironment(settings, () =>
    startWorker({
      file: process.execPath,
      args: manifest.args?.map((arg: string) => join(home, arg)) ?? [],
      ...HOSTS[manifest.worker],
      plugin: command ? plugin : { ...plugin, module, class: manifest.class },
      concurrency: manifest.max_concurrency ?? 1,
    }),
  );
  const worker = await launched;
  workers.push(worker);
  const fields = Object.entries<{ default: unknown }>(manifest.config_schema.properties);
  const defaults = Object.fromEntries(fields.map(([key, field]) => [key, field.default]));
  const initialized = await worker.send('POST', '/initialize', { config: { ...defaults, ...config } });
  expect(initialized).toMatchObject({ status: 200 });
  return worker;
}

/** The driver gives workers this process's environment; `PATH` is set only while one is spawned. */
function withEnvironment<T>(environment: NodeJS.ProcessEnv, run: () => T): T {
  const path = process.env['PATH'];
  process.env['PATH'] = environment['PATH'];
  try {
    return run();
  } finally {
    process.env['PATH'] = path;
  }
}

let calls = 0;

async function call(
  worker: RunningWorker,
  kwargs: object,
  {
    route = '/execute',
    id = `call-${(calls += 1)}`,
    tool = undefined as string | undefined,
    onFrame = (_frame: Frame): void => {},
  } = {},
): Promise<Called> {
  const { body } = await worker.send('POST', route, { call: id, tool, args: [], kwargs }, { onFrame });
  const frames = body
    .trimEnd()
    .split('\n')
    .map((line): Frame => JSON.parse(line));
  const last = frames.at(-1) ?? { end: true };
  return {
    frames,
    result: 'result' in last ? last.result : undefined,
    chunks: frames.flatMap((frame) => ('chunk' in frame ? [frame.chunk] : [])),
    error: 'error' in last ? last.error : undefined,
  };
}

/** Calls, and cancels at the first progress. */
async function cancelAtProgress(worker: RunningWorker, kwargs: object): Promise<Called & { outcome: unknown }> {
  let outcome: Promise<unknown> | undefined;
  const called = await call(worker, kwargs, {
    id: 'to-cancel',
    onFrame: () => {
      outcome ??= worker
        .send('POST', 'control:/cancel', { call: 'to-cancel' })
        .then(({ body }) => JSON.parse(body).outcome);
    },
  });
  return { ...called, outcome: await outcome };
}

function write(name: string, text: string | Buffer): string {
  const path = join(folder, 'texts', name);
  mkdirSync(join(folder, 'texts'), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** A text of its own for every seed, by a linear congruential generator. */
function prose(seed: number, words = 400): string {
  let state = seed;
  return Array.from({ length: words }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return `w${(state >>> 16) % 5000}`;
  }).join(' ');
}

describe.each(['hello-python', 'hello-node', 'hello-command'])('%s', (name) => {
  test('greets with the word of its config', async () => {
    const worker = await start(name, { greeting: 'Servus' });
    expect((await call(worker, { name: 'Ada' })).result).toEqual({ text: 'Servus, Ada!' });
    expect((await call(worker, {})).result).toEqual({ text: 'Servus, world!' });
  });
});

test.each(['hello-python', 'hello-node'])('%s streams its greeting word by word', async (name) => {
  const worker = await start(name);
  const { chunks } = await call(worker, { name: 'Ada' }, { route: '/execute_stream' });
  expect(chunks).toEqual(['Hello', 'Ada']);
});

test.each(['hello-python', 'hello-node'])('%s has a tool that says what it takes', async (name) => {
  const worker = await start(name);
  const { tools } = JSON.parse((await worker.send('GET', '/tools')).body) as { tools: unknown[] };
  expect(tools).toEqual([
    expect.objectContaining({ name: 'execute' }),
    {
      name: 'shout',
      description: 'Greets loudly.',
      input_schema: expect.objectContaining({ properties: { name: { type: 'string' } }, required: ['name'] }),
      output_schema: { type: 'string' },
    },
  ]);
  expect(await call(worker, { name: 'Ada' }, { tool: 'shout' })).toMatchObject({ result: 'HELLO, ADA!' });
});

test.each(['hello-command', 'media-probe'])('%s refuses a wrong token and ends with its host', async (name) => {
  const worker = await start(name);
  expect((await worker.send('GET', '/health', undefined, { token: 'wrong' })).status).toBe(401);
  expect(JSON.parse((await worker.send('GET', '/health')).body)).toMatchObject({ status: 'ok', nonce: worker.nonce });
  worker.child.stdin?.end();
  expect(await worker.exited).toMatchObject({ code: 0 });
});

const database = (): string => join(folder, 'index', 'library.db');

describe('library-index', () => {
  test('finds the file that holds the words, and titles before bodies', async () => {
    const whales = write('whales.md', '# On whales\n\nThe naïve sailor saw a whale.');
    const ships = write('ships.txt', 'Of ships\n\nNo whales were seen from this ship.');
    write('picture.png', Buffer.from([137, 80, 0, 1]));
    const worker = await start('library-index', { database: database() });
    const indexed = await call(worker, { action: 'index', files: join(folder, 'texts') });
    expect(indexed.result).toEqual({ indexed: 2, unchanged: 0, removed: 0, skipped: { binary: 1 } });
    expect(indexed.frames).toContainEqual({ progress: 1, message: 'whales.md' });
    const hits = await call(worker, { action: 'search', query: 'whales' }, { route: '/execute_stream' });
    expect(hits.chunks).toMatchObject([
      { rank: 1, path: whales, title: 'On whales', snippet: expect.stringContaining('[whales]') },
      { rank: 2, path: ships },
    ]);
    expect((await call(worker, { action: 'search', query: 'NAIVE sail' })).result).toMatchObject([{ path: whales }]);
    expect((await call(worker, { action: 'stats' })).result).toMatchObject({ files: 2 });
  });

  test('takes a query as words, whatever signs are in it', async () => {
    const path = write('c.md', 'The C++ book: NOT "for" everyone (really)');
    const worker = await start('library-index');
    await call(worker, { action: 'index', files: [path] });
    for (const query of ['"C++" (really)', 'NOT for', 'book: every*', 'c\0 book', 'book \ud800']) {
      expect((await call(worker, { action: 'search', query })).result, query).toMatchObject([{ path }]);
    }
    for (const query of ['', '- * ^ "', 'NEAR(', 'title:book', '" OR body:"']) {
      expect((await call(worker, { action: 'search', query })).result, query).toEqual([]);
    }
  });

  test('goes on where a killed worker was', async () => {
    const files = Array.from({ length: 600 }, (_, index) => write(`${index}.txt`, prose(index, 2000)));
    const first = await start('library-index', { database: database() });
    const killed = call(
      first,
      { action: 'index', files },
      {
        onFrame: (frame) => {
          if ('progress' in frame && frame.progress > 0.3) first.child.kill('SIGKILL');
        },
      },
    );
    await expect(killed).rejects.toThrow();
    const second = await start('library-index', { database: database() });
    const { result } = await call(second, { action: 'index', files });
    expect(Number(Reflect.get(Object(result), 'unchanged'))).toBeGreaterThanOrEqual(150);
    expect((await call(second, { action: 'stats' })).result).toMatchObject({ files: 600 });
  });

  test('indexes what has changed again and drops what is gone', async () => {
    const changed = write('changed.txt', 'apples');
    const gone = write('gone.txt', 'pears');
    const worker = await start('library-index');
    const files = join(folder, 'texts');
    await call(worker, { action: 'index', files });
    write('changed.txt', 'cherries');
    rmSync(gone);
    expect((await call(worker, { action: 'index', files })).result).toMatchObject({ indexed: 1, removed: 1 });
    expect((await call(worker, { action: 'search', query: 'cherries' })).result).toMatchObject([{ path: changed }]);
    expect((await call(worker, { action: 'search', query: 'apples' })).result).toEqual([]);
    expect((await call(worker, { action: 'search', query: 'pears' })).result).toEqual([]);
  });
});

describe('csv-tables', () => {
  test('describes its tools', async () => {
    const worker = await start('csv-tables');
    const { tools } = JSON.parse((await worker.send('GET', '/tools')).body);
    const path = { type: 'string', description: 'The CSV file, whose first line names the columns' };
    expect(tools).toMatchObject([
      { name: 'describe', read_only: true, input_schema: { properties: { path }, required: ['path'] } },
      { name: 'rows', read_only: true, streams: true, input_schema: { properties: { path, limit: { default: 100 } } } },
      { name: 'append', destructive: false, description: expect.stringContaining('Adds rows') },
    ]);
  });

  test('reads a table and adds to it', async () => {
    const path = write('towns.csv', 'town,country,people\nReykjavík,IS,139875\nAkureyri,IS,19542\nOslo,NO,');
    const worker = await start('csv-tables');
    expect((await call(worker, { path }, { tool: 'describe' })).result).toEqual({
      rows: 3,
      columns: [
        { name: 'town', kind: 'text', filled: 3, smallest: null, largest: null },
        { name: 'country', kind: 'text', filled: 3, smallest: null, largest: null },
        { name: 'people', kind: 'number', filled: 2, smallest: 19_542, largest: 139_875 },
      ],
    });
    const rows = [{ town: 'Húsavík', country: 'IS' }];
    expect((await call(worker, { path, rows }, { tool: 'append' })).result).toBe(1);
    const read = { path, where: { country: 'IS' }, limit: 3 };
    const { chunks } = await call(worker, read, { tool: 'rows', route: '/execute_stream' });
    expect(chunks).toMatchObject([{ town: 'Reykjavík' }, { town: 'Akureyri' }, { town: 'Húsavík', people: '' }]);
  });

  test('names the columns that there are when asked for another', async () => {
    const path = write('towns.csv', 'town,country\n');
    const worker = await start('csv-tables');
    const { error } = await call(worker, { path, rows: [{ city: 'Oslo' }] }, { tool: 'append' });
    expect(error).toMatchObject({
      category: 'input',
      message: `${path} has no column 'city'; its columns are town, country.`,
    });
  });
});

describe('near-duplicates', () => {
  test('groups the copies and nothing else', async () => {
    const files = Array.from({ length: 40 }, (_, index) => write(`${index}.txt`, prose(index + 1)));
    const copy = write('copy.txt', prose(3));
    const edited = write('edited.txt', prose(3).replace(' ', ' indeed '));
    write('empty.txt', '');
    const worker = await start('near-duplicates');
    const { result } = await call(worker, { files: [...files, copy, edited, join(folder, 'texts', 'empty.txt')] });
    expect(result).toEqual({
      groups: [
        {
          files: [
            { path: files[2], similarity: 1 },
            { path: copy, similarity: 1 },
            { path: edited, similarity: expect.closeTo(0.98, 1) },
          ],
        },
      ],
      compared: 42,
      skipped: 1,
    });
  });

  test('finds no group among different texts', async () => {
    for (let index = 0; index < 60; index += 1) write(`${index}.txt`, prose(index + 1));
    const worker = await start('near-duplicates');
    expect((await call(worker, { files: join(folder, 'texts') })).result).toMatchObject({ groups: [], compared: 60 });
  });

  test('stops in the middle when it is cancelled', async () => {
    const files = Array.from({ length: 3000 }, () => write('long.txt', prose(1, 20)));
    writeFileSync(files[0] ?? '', prose(1, 20_000));
    const worker = await start('near-duplicates');
    const { outcome, error, frames } = await cancelAtProgress(worker, { files });
    expect(outcome).toBe('requested');
    expect(error?.type).toBe('AbortError');
    expect(frames).not.toContainEqual(expect.objectContaining({ progress: 1 }));
  });
});

describe('notes', () => {
  const note = (title: string, text: string): object => ({ title, text });

  test('lists its tools with what they take and whether they change anything', async () => {
    const worker = await start('notes');
    const { tools } = JSON.parse((await worker.send('GET', '/tools')).body);
    expect(tools).toMatchObject([
      { name: 'write', idempotent: true, destructive: true, input_schema: { required: ['title', 'text'] } },
      { name: 'read', read_only: true, output_schema: { required: ['title', 'text'] } },
      { name: 'search', read_only: true, streams: true },
      { name: 'remove', destructive: true },
    ]);
  });

  test('writes, reads, finds and removes notes of any title, all within its folder', async () => {
    const notes = join(folder, 'notes');
    const worker = await start('notes', { folder: notes });
    const search = async (text: string): Promise<unknown> =>
      (await call(worker, { text }, { tool: 'search', route: '/execute_stream' })).chunks;
    expect(await search('')).toEqual([]);
    await call(worker, note('../naïve plan/ 100 %', 'first'), { tool: 'write' });
    await call(worker, note('../naïve plan/ 100 %', 'Buy Whales'), { tool: 'write' });
    await call(worker, note('Ships', 'none'), { tool: 'write' });
    writeFileSync(join(notes, '100%.md'), 'written by another');
    expect(readdirSync(folder)).toEqual(['notes']);
    const read = await call(worker, { title: '../naïve plan/ 100 %' }, { tool: 'read' });
    expect(read.result).toEqual(note('../naïve plan/ 100 %', 'Buy Whales'));
    expect(await search('whales')).toEqual([read.result]);
    expect(await search('')).toEqual([read.result, note('Ships', 'none')]);
    expect((await call(worker, { title: 'Ships' }, { tool: 'remove' })).error).toBeUndefined();
    for (const tool of ['read', 'remove']) {
      const { error } = await call(worker, { title: 'Ships' }, { tool });
      expect(error).toMatchObject({ category: 'input', message: 'There is no note "Ships".' });
    }
  });

  test.each(['', 'x'.repeat(300), '\ud800'])('refuses the title %j, which no file can have', async (title) => {
    const worker = await start('notes', { folder });
    const { error } = await call(worker, note(title, ''), { tool: 'write' });
    expect(error).toMatchObject({
      category: 'input',
      message: `No file can be named after the title ${JSON.stringify(title)}.`,
    });
  });
});

describe('media-probe', () => {
  test('says how to install ffmpeg where there is none', async () => {
    const worker = await start('media-probe', {}, [folder, folder].join(delimiter));
    const { error } = await call(worker, { action: 'probe', path: join(folder, 'a.wav') });
    expect(error).toMatchObject({ category: 'input', details: { missing: 'ffmpeg' } });
    expect(error?.message).toContain('is not installed; install it with: ');
  });

  test('names its actions when asked for another', async () => {
    const worker = await start('media-probe');
    const { error } = await call(worker, { action: 'constructor' });
    expect(error).toMatchObject({ category: 'input', message: expect.stringContaining('use probe, loudness, tone') });
  });

  test.skipIf(!hasFfmpeg)('makes a tone, says what it is and how loud', async () => {
    const path = join(folder, 'tone.wav');
    const worker = await start('media-probe');
    expect((await call(worker, { action: 'tone', path, seconds: 3 })).result).toEqual({ path });
    expect((await call(worker, { action: 'probe', path })).result).toEqual({
      seconds: 3,
      format: 'wav',
      streams: [{ type: 'audio', codec: 'pcm_s16le', channels: 1, sampleRate: 44_100 }],
    });
    const { result, frames } = await call(worker, { action: 'loudness', path });
    // The range of a clip this short is not a figure to hold ffmpeg to.
    expect(result).toEqual({ integratedLufs: expect.closeTo(-21.8, 0), rangeLu: expect.any(Number) });
    expect(frames.some((frame) => 'progress' in frame)).toBe(true);
  });

  test.skipIf(!hasFfmpeg)('ends ffmpeg when the call is cancelled', async () => {
    const path = join(folder, 'tone.wav');
    const worker = await start('media-probe');
    const { outcome, error } = await cancelAtProgress(worker, { action: 'tone', path, seconds: 100_000 });
    expect(outcome).toBe('requested');
    expect(error?.message).toBe('The call was cancelled.');
  });
});
