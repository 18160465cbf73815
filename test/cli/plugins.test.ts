import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { EmbeddedStore } from '../../src/jobs/embedded/embedded-store.ts';
import { fixtureManifest } from '../fixtures/plugins.ts';
import { folder, greenroom, start, usePlugin, write } from './command-line.ts';
import { serve } from './served-daemon.ts';

const node = { version: '1.0.0', category: 'tools', worker: 'node', module: './plugin.mjs' };

function writeSome(): void {
  write('.greenroom/plugins/alpha/manifest.json', { ...node, name: 'alpha', version: '2.0.0' });
  write('.greenroom/plugins/alpha/plugin.mjs', 'export default {}');
  write('home/plugins/plugin.mjs', 'export default {}');
  write('home/plugins/alpha.json', { ...node, name: 'alpha' });
  write('home/plugins/beta.json', { ...node, name: 'beta', category: 'media' });
  write('home/plugins/gone.json', { ...node, name: 'gone', module: './gone.mjs' });
  write('home/plugins/broken.json', '{"name": "broken"');
}

describe('list', () => {
  test('shows the plugins, what they shadow, and what is broken and why', async () => {
    writeSome();
    const { status, stdout, stderr } = await greenroom('list');
    expect(status).toBe(0);
    expect(stdout.split('\n')).toEqual([
      'NAME       VERSION  CATEGORY  WORKER  MANIFEST',
      'alpha      2.0.0    tools     node    .greenroom/plugins/alpha/manifest.json',
      '  shadows  1.0.0    tools     node    home/plugins/alpha.json',
      'beta       1.0.0    media     node    home/plugins/beta.json',
      'gone       1.0.0    tools     node    home/plugins/gone.json',
      '',
    ]);
    expect(stderr).toContain('✗ home/plugins/broken.json');
    expect(stderr).toContain('is not JSON');
    expect(stderr).toMatch(/✗ home\/plugins\/gone.json\n +error {2}module {2}the module file .* does not exist/);
  });

  test('gives the same as JSON', async () => {
    writeSome();
    const { stdout, stderr } = await greenroom('list', '--json');
    expect(stderr).toBe('');
    expect(stdout.trim().split('\n')).toHaveLength(1);
    const [local, data] = [join(folder, '.greenroom/plugins'), join(folder, 'home/plugins')];
    expect(JSON.parse(stdout)).toEqual({
      plugins: [
        expect.objectContaining({ name: 'alpha', searchPath: local, shadows: [join(data, 'alpha.json')] }),
        expect.objectContaining({ name: 'beta', worker: 'node', manifest: join(data, 'beta.json'), shadows: [] }),
        expect.objectContaining({ name: 'gone' }),
      ],
      shadowed: [expect.objectContaining({ name: 'alpha', shadowedBy: join(local, 'alpha/manifest.json') })],
      problems: [
        expect.objectContaining({ file: join(data, 'broken.json'), severity: 'error' }),
        expect.objectContaining({ file: join(data, 'gone.json'), field: 'module' }),
      ],
      searchPaths: [local, data],
    });
  });

  test('says how many instances there may be where a plugin may have several', async () => {
    writeSome();
    write('home/plugins/beta.json', { ...node, name: 'beta', instances: 4 });
    write('home/plugins/load.json', { ...node, name: 'load', instances: { min: 0, max: 3 } });
    const { stdout } = await greenroom('list');
    expect(stdout.split('\n').slice(0, 4)).toEqual([
      'NAME       VERSION  CATEGORY  WORKER  INSTANCES  MANIFEST',
      'alpha      2.0.0    tools     node    1          .greenroom/plugins/alpha/manifest.json',
      '  shadows  1.0.0    tools     node    1          home/plugins/alpha.json',
      'beta       1.0.0    tools     node    4          home/plugins/beta.json',
    ]);
    expect(stdout).toContain('load       1.0.0    tools     node    0 to 3     home/plugins/load.json');
    const { plugins } = JSON.parse((await greenroom('list', '--json')).stdout) as {
      plugins: { name: string; instances: unknown }[];
    };
    expect(plugins.map(({ name, instances }) => [name, instances])).toEqual([
      ['alpha', { min: 1, max: 1 }],
      ['beta', { min: 4, max: 4 }],
      ['gone', { min: 1, max: 1 }],
      ['load', { min: 0, max: 3 }],
    ]);
  });

  test('shows one category, and which there are where there is none such', async () => {
    writeSome();
    const media = await greenroom('list', '--category', 'media');
    expect(media.stdout).toContain('beta');
    expect(media.stdout).not.toContain('alpha');
    expect((await greenroom('list', '-c', 'x')).stderr).toContain('Known: media, tools.');
  });

  test('shows the tools of the plugins, starting only those whose tools are not known', async () => {
    const journal = join(folder, 'journal');
    const toolbox = { ...fixtureManifest('toolbox'), env_vars: { JOURNAL: journal } };
    write('.greenroom/plugins/a.json', { ...toolbox, name: 'a' });
    const tools = [{ name: 'remove', destructive: true, idempotent: true, description: 'Removes\na file' }];
    write('.greenroom/plugins/b.json', { ...toolbox, name: 'b', tools });
    write('.greenroom/plugins/c.json', { name: 'c', worker: 'command', command: 'false' });
    const { status, stdout, stderr } = await greenroom('list', '--tools');
    expect(status).toBe(0);
    expect(stdout.split('\n')).toEqual([
      'NAME  TOOL     PROPERTIES               DESCRIPTION',
      'a     execute',
      '      read     read-only',
      '      write',
      'b     remove   idempotent, destructive  Removes a file',
      '',
    ]);
    expect(stderr).toContain('warning: The worker of "c" exited');
    const json = await greenroom('list', '--tools', '--json');
    const { plugins } = JSON.parse(json.stdout) as { plugins: { name: string; tools: { name: string }[] | null }[] };
    expect(plugins.map(({ name, tools }) => [name, tools?.map((tool) => tool.name) ?? null])).toEqual([
      ['a', ['execute', 'read', 'write']],
      ['b', ['remove']],
      ['c', null],
    ]);
    expect(readFileSync(journal, 'utf8')).toBe('tools\n');
  });

  test('says how to begin where there is nothing', async () => {
    const { status, stdout, stderr } = await greenroom('list');
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    expect(stderr).toContain('greenroom init');
  });

  test('refuses settings that are not valid with status 4', async () => {
    write('greenroom.json', { watch: 'no' });
    const { status, stderr } = await greenroom('list');
    expect(status).toBe(4);
    expect(stderr).toContain('greenroom.json: watch');
  });
});

describe('validate', () => {
  test('names file, field and reason, with status 4', async () => {
    writeSome();
    write('schema.json', { ...node, name: 'x', module: './home/plugins/plugin.mjs', config_schema: { type: 'thing' } });
    const { status, stdout, stderr } = await greenroom('validate', 'home/plugins', 'schema.json', 'nowhere.json');
    expect(status).toBe(4);
    expect(stdout).toContain('✓ home/plugins/beta.json  beta 1.0.0 node\n');
    expect(stdout).toMatch(/✗ home\/plugins\/gone.json .*\n +error {2}module {2}the module file/);
    expect(stdout).toMatch(
      /✗ schema.json .*\n +error {2}config_schema {2}The config schema of "x" is not a valid JSON Schema/,
    );
    expect(stdout).toMatch(/✗ nowhere.json\n +error {2}\(file\) {2}does not exist/);
    expect(stderr).toBe('6 manifests, 4 not valid\n');
  });

  test('takes the folder of one plugin, and warns of keys that mean nothing', async () => {
    write('one/manifest.json', { ...node, name: 'one', modul: 1 });
    write('one/plugin.mjs', '');
    write('one/package.json', {});
    const { status, stdout, stderr } = await greenroom('validate', 'one');
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^! one\/manifest.json .*\n +warning {2}modul {2}unknown field "modul"; did you mean "module"\? \(ignored\)\n$/,
    );
    expect(stderr).toBe('1 manifest, all valid\n');
  });

  test('warns of more instances than the capacity of the settings holds, in a file and in a folder', async () => {
    const resources = { min_system_ram_mb: 2_048 };
    const file = usePlugin('workbench', { instances: { max: 8 }, resources });
    const reason = '8 instances need 16384 MiB of memory, the capacity is 8192 MiB: at most 4 fit';
    write('greenroom.json', { capacity: { ramMb: 8_192 } });
    for (const operands of [[], [file]]) {
      const { status, stdout, stderr } = await greenroom('validate', ...operands);
      expect(stdout).toMatch(new RegExp(`^! .*\\n +warning {2}instances\\.max {2}${reason}; lower it, or raise`));
      expect({ status, stderr }).toEqual({ status: 0, stderr: '1 manifest, all valid\n' });
    }
    const env = { GREENROOM_CAPACITY: 'ramMb=16384' };
    expect((await start(['validate'], { env }).ended).stdout).toMatch(/^✓ .*workbench/);
  });

  test('checks the search paths by itself, two of one name in one of them included', async () => {
    usePlugin('workbench');
    expect((await greenroom('validate')).status).toBe(0);
    write('.greenroom/plugins/zwei.json', readFileSync(join(folder, '.greenroom/plugins/workbench.json'), 'utf8'));
    const { status, stdout } = await greenroom('validate', '--json');
    expect(status).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject({
      valid: false,
      files: [
        { file: join(folder, '.greenroom/plugins/workbench.json'), valid: true, name: 'workbench', problems: [] },
        { valid: false, problems: [{ field: 'name', severity: 'error' }] },
      ],
    });
  });

  test('a folder without a manifest is a mistake', async () => {
    const { status, stdout } = await greenroom('validate', '.');
    expect(status).toBe(4);
    expect(stdout).toContain('contains no manifest');
  });
});

describe('doctor', () => {
  test('finds this machine fit, and says so as JSON', async () => {
    usePlugin('workbench');
    const { status, stdout } = await greenroom('doctor');
    expect(stdout).not.toContain('fail');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ok +sockets +.*worker.sock \(\d+ of 103 bytes\)$/m);
    expect(stdout).toMatch(/^ok +process groups/m);
    expect(stdout).toMatch(/^ok +search path +\.greenroom\/plugins: 1 plugin$/m);
    const { ok, findings } = JSON.parse((await greenroom('doctor', '--json')).stdout) as {
      ok: boolean;
      findings: { check: string }[];
    };
    expect(ok).toBe(true);
    expect(findings.map(({ check }) => check)).toEqual(
      expect.arrayContaining([
        'Node.js',
        'sockets',
        'process groups',
        'no orphans',
        'memory',
        'GPU',
        'Python',
        'ffmpeg',
      ]),
    );
  });

  test('says whether jobs can be kept, and how many there are, without a change of the store', async () => {
    const store = join(folder, 'home', 'jobs');
    const said = async (): Promise<string> => (await greenroom('doctor')).stdout.replace(/^(?!\w+ +jobs ).*\n/gm, '');
    expect(await said()).toMatch(
      /^ok +jobs +SQLite 3\.\d+\.\d+ of .*\nok +jobs +home.jobs: none yet, created when needed\n$/,
    );
    const daemon = await serve();
    await greenroom('jobs', 'add', 'unknown', '{}');
    expect(await said()).toContain('home/jobs: 1 waiting, 0 ended, at the daemon');
    daemon.child.kill('SIGTERM');
    await daemon.ended;
    const files = readdirSync(store);
    expect(await said()).toContain('home/jobs: 1 waiting, 0 ended, and no daemon');
    expect(readdirSync(store)).toEqual(files);
    const other = await EmbeddedStore.open(store, { maxJobs: 9, maxAgeMs: 9e9 }, () => {});
    expect(await said()).toContain('home/jobs: in use by another program');
    expect(await other.store.counts()).toHaveLength(1);
    await other.store.close();
    writeFileSync(join(store, 'jobs.db'), 'not a database at all, and long enough to be read as one'.repeat(100));
    expect(await greenroom('doctor')).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/^fail +jobs +The store of jobs [^]*is damaged/m) as string,
    });
  }, 120_000);

  test('says what to install where Node has no SQLite', async () => {
    write(
      'without-sqlite.mjs',
      `import { register } from 'node:module';
      const { getBuiltinModule } = process;
      process.getBuiltinModule = (name) => (name === 'node:sqlite' ? undefined : getBuiltinModule(name));
      const hooks = "export async function resolve(name, context, next) { if (name === '@photostructure/sqlite') throw new Error('not there'); return next(name, context); }";
      register('data:text/javascript,' + encodeURIComponent(hooks));`,
    );
    const { ended } = start(['doctor'], { env: { NODE_OPTIONS: `--import=${join(folder, 'without-sqlite.mjs')}` } });
    const { status, stdout } = await ended;
    expect(stdout).toMatch(
      /^warn +jobs +they are kept in SQLite, which Node [\d.]+ does not have. not there\n +→ Run "npm install @/m,
    );
    expect(status).toBe(0);
  });

  test('fails with what to do where something that is needed does not work', async () => {
    write('not-a-folder', '');
    usePlugin('workbench-python', { python_path: '/nowhere/python' });
    const { status, stdout } = await greenroom('doctor', '--data-dir', 'not-a-folder');
    expect(status).toBe(1);
    expect(stdout).toMatch(/^fail +data directory +not-a-folder cannot be written.*\n +→ Choose another/m);
    expect(stdout).toMatch(
      /^fail +Python +\/nowhere\/python does not run, for workbench-python\n +→ Install Python 3.9/m,
    );
    write('greenroom.json', 'oops');
    expect((await greenroom('doctor')).stdout).toMatch(/^fail +settings +.*greenroom.json: the file is not JSON/m);
  });
});
