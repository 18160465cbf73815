import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DemoEvent, Summary } from '../../../src/cli/demo/events.ts';
import { gone, lives } from '../../runtime/greenroom.ts';

const GREENROOM = fileURLToPath(new URL('../../../bin/greenroom.js', import.meta.url));

let folder = '';
let demo: ChildProcess | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gr-'));
  for (const name of ['texts', 'tmp', 'home', 'bin']) mkdirSync(join(folder, name));
});

afterEach(async () => {
  if (demo !== undefined && demo.exitCode === null && demo.signalCode === null) {
    demo.kill('SIGTERM');
    await once(demo, 'exit');
  }
  demo = undefined;
  // Neither sockets nor copies of plugins are left, and nothing was written where the user's things are.
  const left = [...readdirSync(join(folder, 'tmp')), ...readdirSync(join(folder, 'home'))];
  rmSync(folder, { recursive: true, force: true });
  expect(left).toEqual([]);
});

function write(name: string, words: string): void {
  writeFileSync(join(folder, 'texts', name), words);
}

function writeTexts(): void {
  const voyage = Array.from({ length: 60 }, (_, day) => `On day ${day} the harpooner saw a whale near the island.`);
  write('voyage.md', `# A voyage\n\n${voyage.join('\n')}`);
  write('voyage-copy.md', `# A voyage\n\n${voyage.join('\n')} The end.`);
  write('islands.txt', 'Of islands\n\nNo harpooner has ever lived on this island.');
  write('bread.txt', 'Of bread\n\nA baker is up before the sun.');
  writeFileSync(join(folder, 'texts', 'picture.png'), Buffer.from([137, 80, 78, 71, 0, 1]));
}

/** Writes a `python3` that does something in the shell and then runs the real one. */
function writePython(commands: string): void {
  const python = join(folder, 'bin', 'python3');
  const real = (process.env['PATH'] ?? '').split(':').map((path) => join(path, 'python3'));
  const run = `for python in ${real.join(' ')}; do [ -x $python ] && exec $python "$@"; done`;
  writeFileSync(python, `#!/bin/sh\n${commands}\n${run}\n`);
  chmodSync(python, 0o755);
}

/** Runs the demo; `status` resolves when it ends. */
function start(args: readonly string[], env: Record<string, string> = {}) {
  const program = spawn(process.execPath, [GREENROOM, 'demo', ...args], {
    cwd: folder,
    env: {
      ...process.env,
      TMPDIR: join(folder, 'tmp'),
      XDG_RUNTIME_DIR: join(folder, 'tmp'),
      GREENROOM_HOME: join(folder, 'home'),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  demo = program;
  const errors = text(program.stderr);
  const status = once(program, 'exit').then(([code]) => code as number | null);
  return { program, status, errors, output: text(program.stdout) };
}

function eventsIn(output: string): DemoEvent[] {
  return output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as DemoEvent);
}

function ofType<T extends DemoEvent['type']>(events: readonly DemoEvent[], type: T) {
  return events.filter((event): event is Extract<DemoEvent, { type: T }> => event.type === type);
}

function summaryOf(events: readonly DemoEvent[]): Summary {
  const last = events.at(-1);
  if (last?.type !== 'summary') throw new Error(`The last event is no summary but ${JSON.stringify(last)}.`);
  return last;
}

/** The states that a plugin went through, each once however long it lasted. */
function statesOf(events: readonly DemoEvent[], plugin: string): string[] {
  return ofType(events, 'transition')
    .filter((event) => event.plugin === plugin && event.from !== event.to)
    .map(({ to }) => to);
}

test('a crash, a cancelled call, a replaced worker and one that cannot start are shown, and nothing is left', async () => {
  writeTexts();
  const { output, status, errors } = start(['--json', 'texts']);
  const events = eventsIn(await output);
  expect([await status, await errors]).toEqual([0, '']);

  const [killed] = ofType(events, 'killed');
  expect(killed).toMatchObject({ plugin: 'library-index', pid: expect.any(Number) });
  expect(ofType(events, 'error')).toMatchObject([
    { plugin: 'library-index', code: 'E_CRASHED' },
    { plugin: 'near-duplicates', code: 'E_CANCELLED' },
    { plugin: 'hello-node', code: 'E_START' },
    { plugin: 'hello-node', code: 'E_GIVEN_UP' },
  ]);
  // It came back, and the same call then had the four texts in the index: as few may be there before the kill is felt.
  const states = statesOf(events, 'library-index').join(' ');
  expect(states).toMatch(/^spawning ready busy crashed spawning ready busy /);
  const index = ofType(events, 'result').find(({ action }) => action === 'index');
  const { indexed = 0, unchanged = 0 } = (index?.data ?? {}) as { indexed?: number; unchanged?: number };
  expect(indexed + unchanged).toBe(4);

  const [replaced] = ofType(events, 'replaced');
  expect(replaced).toMatchObject({ plugin: 'library-index' });
  expect(replaced?.pid).not.toBe(replaced?.former);
  const edits = ofType(events, 'result').filter(({ action }) => action === 'describe' || action === 'replace');
  expect(edits).toMatchObject([
    { data: { before: replaced?.former, pid: replaced?.former } },
    { data: { failed: 0, pid: replaced?.pid } },
  ]);

  // The budget was taken up, and whoever was told to go for the third of the new ones has gone.
  const [{ decision } = {}] = ofType(events, 'decision');
  expect(decision).toMatchObject({ plugin: 'third', outcome: 'evict' });
  expect(decision?.chosen).not.toEqual([]);
  for (const { plugin } of decision?.chosen ?? []) expect(statesOf(events, plugin)).toContain('released');

  const hits = ofType(events, 'hit');
  expect(hits.map(({ path }) => path)).toContain(join(folder, 'texts', 'voyage.md'));
  expect(ofType(events, 'pair')).toMatchObject([{ similarity: expect.closeTo(0.99, 1) }]);
  expect(summaryOf(events)).toMatchObject({
    status: 0,
    documents: { files: 4, leftOut: 0 },
    hits: hits.length,
    groups: 1,
    left: { processes: 0, sockets: 0, files: 0 },
  });
  const pids = ofType(events, 'transition').flatMap(({ pid }) => pid ?? []);
  expect([...new Set(pids)].filter(lives)).toEqual([]);

  // A plugin that could not start was tried after longer and longer waits, given up with its cause, and fixed.
  const result = (name: string) => ofType(events, 'result').find(({ action }) => action === name);
  const kept = result('keep');
  expect(kept).toMatchObject({ plugin: 'hello-node', data: { text: 'Hello, Ada!' } });
  const victim = ofType(events, 'killed').find(({ plugin }) => plugin === 'hello-node');
  expect(kept).toMatchObject({ data: { pid: victim?.pid } });
  const restarts = ofType(events, 'restart');
  expect(restarts.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
  expect(restarts.map(({ longestMs }) => longestMs)).toEqual([50, 100, 200, 400]);
  const crashes = ofType(events, 'transition').filter(
    ({ plugin, to, phase }) => plugin === 'hello-node' && to === 'crashed' && phase !== 'deciding',
  );
  expect(crashes.map(({ phase }) => phase)).toEqual(['backoff', 'backoff', 'backoff', 'backoff', 'failed']);
  expect(ofType(events, 'note').map(({ text }) => text)).toContainEqual(
    expect.stringMatching(/^Its cause: .*status 9.*--max-old-spice-size/),
  );
  expect(result('fix')).toMatchObject({ data: { text: 'Hello, Ada!' } });
  expect(statesOf(events, 'hello-node').join(' ')).toMatch(
    /(crashed spawning ){4}crashed discovered spawning ready busy ready discovered$/,
  );

  // So few jobs that the program was killed before the first of them was done.
  expect(ofType(events, 'program').slice(0, 2)).toMatchObject([
    { did: 'start', jobs: 4, done: 0 },
    { did: 'kill', jobs: 4, done: 0 },
  ]);
  expect(result('jobs')?.data).toMatchObject({ jobs: 4, twice: 0, files: 4 });
});

test.skipIf(availableParallelism() === 1)(
  'near-duplicates gets another worker while calls for parts of the files wait, and gives it up',
  async () => {
    writeTexts();
    // Numbers, which it does not take for the topics that it searches for.
    const numbers = (file: number): string => Array.from({ length: 1_500 }, (_, at) => (at * file) % 9_973).join(' ');
    for (let file = 1; file <= 900; file += 1) write(`${file}.txt`, numbers(file));
    const { output, status } = start(['--json', 'texts']);
    const events = eventsIn(await output);
    expect(await status).toBe(0);
    const instances = ofType(events, 'instance').filter(({ plugin }) => plugin === 'near-duplicates');
    const grown = instances.filter(({ generation }) => generation === 2);
    expect(grown[0]).toMatchObject({ from: 'discovered', to: 'spawning' });
    expect(grown.map(({ to }) => to)).toContain('busy');
    expect(grown.at(-1)).toMatchObject({ to: 'discovered', phase: 'idle' });
    expect(summaryOf(events).timings).toContainEqual(
      expect.objectContaining({
        what: 'signatures of 904 files',
        note: expect.stringMatching(/^5 calls, at [2-9] instances/),
      }),
    );
    expect(summaryOf(events).left).toEqual({ processes: 0, sockets: 0, files: 0 });
    expectGoneOn(events, 904);
  },
);

/** The program with jobs was killed in the middle, and started again it did what was not done. */
function expectGoneOn(events: readonly DemoEvent[], files: number): void {
  const [first, killed, again] = ofType(events, 'program');
  expect([first, killed, again]).toMatchObject([
    { did: 'start', jobs: 20, done: 0 },
    { did: 'kill', jobs: 20, pid: first?.pid },
    { did: 'start', jobs: 20 },
  ]);
  const [told = 0, before = 0] = [killed?.done, again?.done];
  expect(told).toBeGreaterThanOrEqual(10);
  // What it had told of was on the disk, and something was left to do.
  expect(before).toBeGreaterThanOrEqual(told);
  expect(before).toBeLessThan(20);
  const result = ofType(events, 'result').find(({ action }) => action === 'jobs');
  expect(result?.data).toMatchObject({ jobs: 20, before, after: 20 - before, twice: 0, files });
  expect([first?.pid ?? 0, again?.pid ?? 0].filter(lives)).toEqual([]);
}

test('people read lines without colours where the output is no terminal', async () => {
  writeTexts();
  const { output, status } = start(['texts'], { FORCE_COLOR: '0' });
  const shown = await output;
  expect(await status).toBe(0);
  expect(shown).not.toContain('\u001b');
  expect(shown).not.toContain('\r');
  for (const part of [
    /library-index +busy → ✖ crashed/,
    /E_CRASHED/,
    /E_CANCELLED/,
    /E_GIVEN_UP/,
    /◆ another worker serves/,
    /a program begins at 0 of 4 jobs  pid \d+/,
    /kill -9 \d+ at 0 of 4 jobs/,
  ]) {
    expect(shown).toMatch(part);
  }
  expect(shown).toMatch(/^ {3}library-index {4}[·▒─█╌✖◆]{40,}$/m);
  expect(shown).toContain('left behind: 0 processes, 0 sockets, 0 files');
});

test('without python3 it says what to install and shows the rest', async () => {
  writeTexts();
  symlinkSync(process.execPath, join(folder, 'bin', 'node'));
  const { output, status } = start(['--json', 'texts'], { PATH: join(folder, 'bin') });
  const events = eventsIn(await output);
  expect(await status).toBe(0);
  const missing = ofType(events, 'missing');
  expect(missing.map(({ plugin }) => plugin).toSorted()).toEqual(['library-index', 'media-probe']);
  expect(missing.find(({ plugin }) => plugin === 'library-index')?.remedy).toContain('Python 3.9 or newer');
  expect(missing.find(({ plugin }) => plugin === 'media-probe')?.reason).toContain('install it with: ');
  expect(ofType(events, 'error')).toMatchObject([
    { plugin: 'near-duplicates', code: 'E_CRASHED' },
    { plugin: 'near-duplicates', code: 'E_CANCELLED' },
    { plugin: 'hello-node', code: 'E_START' },
    { plugin: 'hello-node', code: 'E_GIVEN_UP' },
  ]);
  expect(summaryOf(events)).toMatchObject({ status: 0, groups: 1, left: { processes: 0 } });
});

test('a Python that has no full-text search is told apart from none', async () => {
  writeTexts();
  // An SQLite that knows no such module.
  writeFileSync(join(folder, 'bin', 'sqlite3.py'), SQLITE_WITHOUT_FTS5);
  writePython(`PYTHONPATH=${join(folder, 'bin')}; export PYTHONPATH PYTHONDONTWRITEBYTECODE=1`);
  const { output, status } = start(['--json', 'texts'], { PATH: `${join(folder, 'bin')}:${process.env['PATH']}` });
  const [missing] = ofType(eventsIn(await output), 'missing');
  expect(missing).toMatchObject({
    plugin: 'library-index',
    remedy: expect.stringContaining('has no full-text search'),
  });
  expect(await status).toBe(0);
});

const SQLITE_WITHOUT_FTS5 = `
import sys
folder = sys.path.pop(sys.path.index(__file__.rpartition("/")[0]))
del sys.modules["sqlite3"]
import sqlite3
class OldConnection(sqlite3.Connection):
    def executescript(self, script):
        return super().executescript(script.replace("fts5", "fts5_that_is_not_there"))
connect = sqlite3.connect
sqlite3.connect = lambda *given: connect(*given, factory=OldConnection)
`;

test('without SQLite for jobs it says what to install and goes on', async () => {
  writeTexts();
  writeFileSync(join(folder, 'bin', 'no-sqlite.mjs'), NO_SQLITE);
  const { output, status } = start(['--json', 'texts'], {
    NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import=${join(folder, 'bin', 'no-sqlite.mjs')}`,
  });
  const events = eventsIn(await output);
  expect(await status).toBe(0);
  expect(ofType(events, 'missing').find(({ plugin }) => plugin === 'jobs')?.reason).toBe(
    `Jobs are kept in SQLite, which Node ${process.versions.node} does not have. ` +
      'Run "npm install @photostructure/sqlite@1", or use Node 22.13 or later.',
  );
  expect(ofType(events, 'program')).toEqual([]);
  expect(ofType(events, 'hit')).not.toEqual([]);
});

/** Node as it is before 22.13, with no package in the place of its SQLite. */
const NO_SQLITE = `
import { register } from 'node:module';
const { getBuiltinModule } = process;
process.getBuiltinModule = (name) => (name === 'node:sqlite' ? undefined : getBuiltinModule(name));
register('data:text/javascript,' + encodeURIComponent(\`
  export function resolve(name, context, next) {
    return next(name, name === '@photostructure/sqlite' ? { ...context, parentURL: 'file:///' } : context);
  }
\`));
`;

test('it ends quietly when nobody reads its output any more', async () => {
  writeTexts();
  const marker = join(folder, 'replaced');
  // The manifest is edited long after the reader has left.
  writePython(`[ -z "$LIBRARY_EDITION" ] || : >${marker}`);
  const { program, output, status, errors } = start(['--json', 'texts'], {
    PATH: `${join(folder, 'bin')}:${process.env['PATH']}`,
  });
  program.stdout.once('data', () => program.stdout.destroy());
  await expect(output).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
  expect([await status, await errors]).toEqual([0, '']);
  expect(readdirSync(folder)).not.toContain('replaced');
});

test.for([
  ['after a crash', '"to":"crashed"'],
  ['while the program with jobs runs', '"did":"start"'],
] as const)('Ctrl-C %s ends it in good order with status 130', async ([, at]) => {
  writeTexts();
  const { program, output, status } = start(['--json', 'texts']);
  let interrupted = false;
  program.stdout.on('data', (lines: Buffer) => {
    if (interrupted || !lines.includes(at)) return;
    interrupted = true;
    program.kill('SIGINT');
  });
  const events = eventsIn(await output);
  expect(await status).toBe(130);
  expect(summaryOf(events)).toMatchObject({ status: 130, left: { processes: 0, sockets: 0, files: 0 } });
  expect(ofType(events, 'program').filter(({ pid }) => lives(pid ?? 0))).toEqual([]);
});

test('Ctrl-C twice ends it at once, and leaves nothing either', async () => {
  writeTexts();
  const { program, output, status } = start(['--json', 'texts']);
  program.stdout.on('data', (lines: Buffer) => {
    if (lines.includes('"to":"busy"')) program.kill('SIGINT');
  });
  const events = eventsIn(await output);
  expect(await status).toBe(130);
  const pids = ofType(events, 'transition').flatMap(({ pid }) => pid ?? []);
  await gone([...new Set(pids)]);
});

test('a folder that is not there, or holds no text, is named', async () => {
  for (const given of ['nowhere', 'bin']) {
    const { output, status, errors } = start([given]);
    expect(await output).toBe('');
    expect(await errors).toContain(join(folder, given));
    expect(await status).not.toBe(0);
  }
});
