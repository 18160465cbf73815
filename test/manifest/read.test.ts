import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { manifestJsonSchema } from '../../src/manifest/json-schema.ts';
import { checkPaths, readManifest } from '../../src/manifest/read.ts';
import { isManifestPath, manifestFiles } from '../../src/manifest/search-path.ts';
import { workerEnvironment } from '../../src/worker-kinds/worker-environment.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'manifests-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function read(content: string | object) {
  const file = join(folder, 'plugin.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return readManifest(file, folder);
}

/** A manifest as the tools of the system we replace write it. */
const EXISTING = {
  name: 'cjm-transcription-plugin-whisper',
  version: '0.0.11',
  type: 'transcription',
  category: 'transcription',
  interface: 'cjm_transcription_plugin_system.plugin_interface.TranscriptionPlugin',
  module: 'cjm_transcription_plugin_whisper.plugin',
  class: 'WhisperLocalPlugin',
  description: null,
  python_path: '/opt/envs/whisper/bin/python',
  conda_env: 'whisper',
  db_path: '/data/whisper.db',
  env_vars: { OMP_NUM_THREADS: 4, HF_HOME: '/data/hf', DEBUG: false },
  resources: { requires_gpu: true, min_gpu_vram_mb: 2048, recommended_gpu_vram_mb: null, min_system_ram_mb: 4096 },
  config_schema: { type: 'object', properties: { model: { type: 'string', default: 'base' } } },
};

describe('an existing manifest', () => {
  it('is taken unchanged, with nulls as absent', () => {
    const reading = read(EXISTING);
    expect(reading?.problems).toEqual([]);
    expect(reading?.entry?.manifest).toMatchObject({
      name: EXISTING.name,
      worker: 'python',
      env_vars: { OMP_NUM_THREADS: 4 },
    });
    expect(reading?.entry?.manifest.description).toBeUndefined();
    expect(reading?.entry?.resolved).toEqual({ module: EXISTING.module, python_path: EXISTING.python_path });
  });
});

describe('a file that is no manifest', () => {
  it.each([
    ['an empty file', '', '', 'is empty'],
    ['what is not JSON', '{"name": "x",}', '', 'is not JSON'],
    ['a list', '[]', '', 'must be a JSON object'],
    ['a name of the wrong type', { name: 5, command: 'x' }, 'name', 'expected a string of at least 1 character'],
    ['a name that would leave its folder', { name: '../x', command: 'x' }, 'name', 'no slashes'],
    ['nothing to run', { name: 'x' }, 'worker', 'cannot be inferred'],
    [
      'a Python plugin without a module',
      { name: 'x', worker: 'python' },
      'module',
      'missing; a worker of kind "python" needs it',
    ],
    ['a NUL in a path', { name: 'x', module: './a\0.mjs' }, 'module', 'the character NUL'],
    ['a NUL in an argument', { name: 'x', command: 'x', args: ['\0'] }, 'args.0', 'the character NUL'],
    ['a NUL in a variable', { name: 'x', command: 'x', env_vars: { A: '\0' } }, 'env_vars.A', 'the character NUL'],
    ['a variable without a name', { name: 'x', command: 'x', env_vars: { '': 1 } }, 'env_vars', 'must have names'],
    ['a name that no variable has', { name: 'x', command: 'x', env_vars: { 'A=B': 1 } }, 'env_vars', 'must have names'],
    [
      'a negative timeout',
      { name: 'x', command: 'x', start_timeout_ms: -1 },
      'start_timeout_ms',
      'a whole number of at least 0, got -1',
    ],
    [
      'a text for a number',
      { name: 'x', command: 'x', max_concurrency: '2' },
      'max_concurrency',
      'a whole number of at least 1, got "2"',
    ],
    [
      'a misspelt kind of worker',
      { name: 'x', worker: 'pyhton', module: 'x' },
      'worker',
      'got "pyhton"; did you mean "python"?',
    ],
    [
      'a module that could be of either language',
      { name: 'x', module: 'plugin' },
      'worker',
      'cannot be inferred from "module": "plugin"; add',
    ],
    [
      'a misspelt field of an object',
      { name: 'x', command: 'x', restart: { polcy: 'permanent' } },
      'restart',
      'unknown field "polcy"; did you mean "policy"?',
    ],
    [
      'a text for a number of an object that may be something else',
      { name: 'x', command: 'x', liveness: { interval_ms: '5' } },
      'liveness.interval_ms',
      'a whole number of at least 1, got "5"',
    ],
    [
      'an unknown restart policy',
      { name: 'x', command: 'x', restart: { policy: 'often' } },
      'restart.policy',
      'permanent',
    ],
    ['a tool without a name', { name: 'x', command: 'x', tools: [{}] }, 'tools.0.name', 'missing; expected a string'],
    [
      'a tool whose name is empty',
      { name: 'x', command: 'x', tools: [{ name: '' }] },
      'tools.0.name',
      'expected 1 to 64 letters, digits, "_", "-" or ".", got ""',
    ],
    [
      'a name that no tool can have',
      { name: 'x', command: 'x', tools: [{ name: 'a' }, { name: 'read it' }] },
      'tools.1.name',
      'got "read it"',
    ],
    [
      'a tool that is listed twice',
      { name: 'x', command: 'x', tools: [{ name: 'a' }, { name: 'b' }, { name: 'a' }] },
      'tools.2.name',
      '"a" is already the name of tools.0',
    ],
    ['tools by name', { name: 'x', command: 'x', tools: { a: {} } }, 'tools', 'expected a list, got an object'],
  ])('%s is a problem that names file, field and reason', (_what, content, field, reason) => {
    const reading = read(content);
    expect(reading?.entry).toBeUndefined();
    expect(reading?.problems).toHaveLength(1);
    expect(reading?.problems[0]).toMatchObject({ file: join(folder, 'plugin.json'), severity: 'error' });
    expect(reading?.problems[0]?.field ?? '').toBe(field);
    expect(reading?.problems[0]?.reason).toContain(reason);
  });

  it.each([
    ['a name given twice', '{"name":"x","command":"y","command":"z"}', 'command', 'is given twice'],
    ['one given twice below', '{"name":"x","command":"y","env_vars":{"A":1,"A":2}}', 'env_vars.A', 'is given twice'],
    ['__proto__', '{"name":"x","__proto__":{"command":"y"}}', '__proto__', 'is a name with a meaning of its own'],
    [
      'a number that would be rounded',
      '{"name":"x","command":"y","config_schema":{"default":{"seed":12345678901234567890}}}',
      'config_schema.default.seed',
      'is 12345678901234567890, which a number in JavaScript cannot hold exactly',
    ],
  ])('%s is a problem that names the field, and nothing is silently otherwise', (_what, content, field, reason) => {
    const reading = read(content);
    expect(reading?.entry).toBeUndefined();
    expect(reading?.problems).toMatchObject([{ field, reason: expect.stringContaining(reason), severity: 'error' }]);
  });

  it('can be a folder, or a link to nothing', () => {
    mkdirSync(join(folder, 'dir.json'));
    symlinkSync(join(folder, 'nowhere'), join(folder, 'link.json'));
    expect(readManifest(join(folder, 'dir.json'), folder)?.problems[0]?.reason).toBe('is a folder, not a file');
    expect(readManifest(join(folder, 'link.json'), folder)).toBeNull();
  });
});

describe('a file that would be too much', () => {
  const nested = (depth: number): string => `{"name":"x","command":"y","x":${'['.repeat(depth)}${']'.repeat(depth)}}`;

  it.each([65, 3_000, 500_000])('is refused by its depth: %d levels', (depth) => {
    expect(read(nested(depth))?.problems).toMatchObject([{ reason: 'is nested more than 64 levels deep' }]);
  });

  it('may have as many levels as anybody writes', () => {
    expect(read(nested(63))?.entry?.manifest.name).toBe('x');
  });

  it('is refused by its size without being read', () => {
    const file = join(folder, 'plugin.json');
    writeFileSync(file, '');
    truncateSync(file, 2 ** 31);
    expect(readManifest(file, folder)?.problems[0]?.reason).toContain('larger than 1024 KiB');
  });

  it('has so many mistakes that only the first are told, and how many more there are', () => {
    const args = Array.from({ length: 50_000 }, () => 1);
    const problems = read({ name: 'x', command: 'y', args })?.problems;
    expect(problems).toHaveLength(21);
    expect(problems?.at(-1)).toMatchObject({ reason: '49980 more problems are not shown', severity: 'error' });
  });

  it.skipIf(process.platform === 'win32')(
    'is none: a pipe nobody writes to, a device, a socket, a loop of links',
    async () => {
      const reasonOf = (name: string): string | undefined =>
        readManifest(join(folder, name), folder)?.problems[0]?.reason;
      execFileSync('mkfifo', [join(folder, 'pipe.json')]);
      symlinkSync('/dev/zero', join(folder, 'device.json'));
      symlinkSync(join(folder, 'loop.json'), join(folder, 'loop.json'));
      const server = createServer().listen(join(folder, 'socket.json'));
      onTestFinished(() => void server.close());
      await once(server, 'listening');
      for (const name of ['pipe.json', 'device.json', 'socket.json'])
        expect(reasonOf(name)).toBe('is a device or pipe, not a file');
      expect(reasonOf('loop.json')).toContain('cannot be read: ELOOP');
    },
  );
});

describe('a manifest', () => {
  it('may begin with a byte order mark', () => {
    expect(read('\ufeff{"name":"x","command":"y"}')?.entry?.manifest.name).toBe('x');
  });

  it('has its environment variables as they are written', () => {
    const variables = '{"ID":12345678901234567890,"V":1.10,"ONE":1.0,"K":1e3,"N":4,"YES":true,"T":"1.10"}';
    const reading = read(`{"name":"x","command":"y","env_vars":${variables}}`);
    expect(reading?.problems).toEqual([]);
    const set = reading?.entry?.manifest.env_vars ?? {};
    expect(workerEnvironment({ host: {}, pass: [], set })).toEqual({
      ...{ ID: '12345678901234567890', V: '1.10', ONE: '1.0', K: '1e3', N: '4', YES: 'true', T: '1.10' },
    });
  });

  it('keeps unknown keys and warns of them', () => {
    const reading = read({ name: 'x', command: 'y', colour: 'red' });
    expect(reading?.entry?.manifest).toMatchObject({ colour: 'red' });
    expect(reading?.problems).toMatchObject([{ field: 'colour', severity: 'warning' }]);
  });

  it('is warned of a misspelt field, also where something is wrong', () => {
    const misspelt = { field: 'modul', reason: 'unknown field "modul"; did you mean "module"? (ignored)' };
    expect(read({ name: 'x', modul: './x.mjs' })?.problems).toMatchObject([
      { field: 'worker', severity: 'error' },
      { ...misspelt, severity: 'warning' },
    ]);
    expect(read({ name: 'x', command: 'y', modul: './x.mjs' })?.problems).toMatchObject([misspelt]);
  });

  it('has tools, of which what cannot be used is ignored with a warning that names its place', () => {
    const schema = { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] };
    const reading = read({
      name: 'x',
      command: 'y',
      tools: [
        { name: 'read', description: null, input_schema: schema, read_only: true, streams: false },
        { name: 'write', input_schema: { properties: { path: { type: 'sting' } } }, output_schema: 5, idempotnt: true },
      ],
    });
    expect(reading?.entry?.manifest.tools).toEqual([
      { name: 'read', input_schema: schema, read_only: true, streams: false },
      { name: 'write' },
    ]);
    expect(reading?.problems.map(({ field, reason, severity }) => [severity, field, reason])).toEqual([
      [
        'warning',
        'tools.1.input_schema',
        expect.stringMatching(
          /^It is not valid JSON Schema \(2020-12\): schema\.properties\.path\.type: expected one of .*, got "sting"; did you mean "string"\? \(the tool is used without input_schema\)$/,
        ),
      ],
      ['warning', 'tools.1.output_schema', 'expected an object, got 5 (ignored)'],
      ['warning', 'tools.1.idempotnt', 'unknown field "idempotnt"; did you mean "idempotent"? (ignored)'],
    ]);
  });

  it('has its relative paths resolved against its folder, and leaves names for PATH and Python alone', () => {
    expect(read({ name: 'x', module: './x.mjs', cwd: 'work' })?.entry?.resolved).toEqual({
      module: join(folder, 'x.mjs'),
      cwd: join(folder, 'work'),
    });
    expect(read({ name: 'x', command: 'bin/x' })?.entry?.resolved).toEqual({ command: join(folder, 'bin/x') });
    expect(read({ name: 'x', command: 'ffmpeg' })?.entry?.resolved).toEqual({ command: 'ffmpeg' });
    expect(read({ name: 'x', module: 'a.b', class: 'C' })?.entry?.resolved).toEqual({ module: 'a.b' });
  });

  it('that names what is not there is found out by looking', () => {
    const entry = read({ name: 'x', python_path: './no/python', module: 'x.py', class: 'X', cwd: 'nowhere' })?.entry;
    expect(entry && checkPaths(entry).map(({ field }) => field)).toEqual(['cwd', 'module', 'python_path']);
    const [long, loop] = [`./${'x'.repeat(5_000)}`, join(folder, 'loop')];
    symlinkSync(loop, loop);
    for (const path of [long, join(loop, 'x')]) {
      const lost = read({ name: 'x', python_path: path, module: `${path}.py`, cwd: path })?.entry;
      expect(lost && checkPaths(lost).map(({ field }) => field)).toEqual(['cwd', 'module', 'python_path']);
    }
    const good = read({ name: 'x', command: process.execPath })?.entry;
    expect(good && checkPaths(good)).toEqual([]);
  });
});

describe('a search path', () => {
  it('holds its JSON files and the manifest.json of its folders, and no other JSON of theirs', () => {
    mkdirSync(join(folder, 'plugin'));
    for (const file of ['a.json', 'b.txt', 'plugin/manifest.json', 'plugin/package.json'])
      writeFileSync(join(folder, file), '{}');
    expect(manifestFiles(folder).toSorted()).toEqual([join(folder, 'a.json'), join(folder, 'plugin/manifest.json')]);
    expect(manifestFiles(join(folder, 'nowhere'))).toEqual([]);
  });
});

describe('what has the name of something set aside', () => {
  const places = (name: string): string[] => [join(folder, `${name}.json`), join(folder, name, 'manifest.json')];

  it.each([
    ...['.x', '.x.tmp', 'x~', '#x#', '.#x', 'x.bak', 'x.BAK', 'x.bak2', 'x.orig', 'x.old', 'x.tmp', 'x.temp'],
    ...['x.swp', 'x.save', 'x.rej', 'x.backup'],
  ])('is not looked at: %s', (name) => {
    for (const file of places(name)) {
      mkdirSync(join(file, '..'), { recursive: true });
      writeFileSync(file, '{}');
      expect(isManifestPath(folder, file)).toBe(false);
    }
    expect(manifestFiles(folder)).toEqual([]);
  });

  it.each([
    ...['x copy', 'x copy 2', 'x (copy)', 'Copy of x', 'Copy (2) of x', 'x - Copy', 'x - Copy (2)', 'x_copy'],
    ...['x-backup', 'x_backup', 'x-bak', 'x-old', 'x_old', 'x-orig'],
  ])('is no plugin, with a warning, unless its manifest has that name too: %s', (name) => {
    for (const file of places(name)) {
      mkdirSync(join(file, '..'), { recursive: true });
      writeFileSync(file, JSON.stringify({ name: 'x', command: 'y' }));
      const reading = readManifest(file, folder);
      expect(reading?.entry).toBeUndefined();
      expect(reading?.problems).toMatchObject([{ severity: 'warning', reason: expect.stringContaining(`"${name}"`) }]);
      writeFileSync(file, JSON.stringify({ name, command: 'y' }));
      expect(readManifest(file, folder)?.entry?.manifest.name).toBe(name);
    }
  });

  it.each(['x', 'xcopy', 'photocopy', 'threshold', 'bak', 'old', 'backup', 'copy', 'x.1', 'x-2', 'my.model', 'x#'])(
    'is a plugin like any other: %s',
    (name) => {
      for (const file of places(name)) {
        mkdirSync(join(file, '..'), { recursive: true });
        writeFileSync(file, JSON.stringify({ name: 'y', command: 'y' }));
        expect(isManifestPath(folder, file)).toBe(true);
        expect(readManifest(file, folder)?.entry?.manifest.name).toBe('y');
      }
      expect(manifestFiles(folder)).toHaveLength(2);
    },
  );
});

describe('the published JSON Schema', () => {
  it('describes every field and requires a name', () => {
    const schema = manifestJsonSchema() as { required: string[]; properties: Record<string, unknown> };
    expect(schema.required).toEqual(['name']);
    for (const field of Object.keys(EXISTING)) expect(schema.properties).toHaveProperty(field);
  });
});
