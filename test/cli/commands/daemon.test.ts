import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { eventually } from '../../eventually.ts';
import { type Ended, folder, greenroom, type Running, shown, start, usePlugin, write } from '../command-line.ts';

const SDK = pathToFileURL(resolve('dist/node-sdk/index.js')).href;

/** Starts a daemon in the test's folder and waits until it takes requests. */
async function serve(...args: readonly string[]): Promise<Running> {
  const running = start(['serve', ...args]);
  await shown(running.child, 'Plugins', 'stdout');
  return running;
}

async function end({ child, ended }: Running): Promise<Ended> {
  child.kill('SIGTERM');
  return ended;
}

/** The pid of the worker that a call went to. */
async function pidOf(...args: readonly string[]): Promise<number> {
  const { stdout, stderr } = await greenroom('run', 'workbench', '{"do":"about"}', '--json', ...args);
  expect(stderr).toBe('');
  return (JSON.parse(stdout) as { pid: number }).pid;
}

describe('run', () => {
  test('calls the worker of the daemon, with --no-daemon one of its own, and prints the same', async () => {
    usePlugin('workbench');
    const daemon = await serve();
    const first = await pidOf();
    expect(await pidOf()).toBe(first);
    expect(await pidOf('--no-daemon')).not.toBe(first);
    const lines: readonly (readonly string[])[] = [
      ['{"value":{"id":12345678901234567890,"list":[1.5,null]}}'],
      ['{"count":3}', '--stream'],
      ['{"count":3}', '--stream', '--json'],
      ['-a', 'value=[1,2]', '--json'],
      ['{"do":"fail"}', '--json', '--timeout', '10'],
      ['{"do":"steps","count":3}'],
      ['{"value":{"x":1}}', '--tool', 'execute'],
    ];
    for (const args of lines) {
      const at = await greenroom('run', 'workbench', ...args);
      const own = await greenroom('run', 'workbench', ...args, '--no-daemon');
      const plain = ({ stdout, stderr, status }: Ended): object => ({ status, text: cut(stdout), note: cut(stderr) });
      expect(plain(at)).toEqual(plain(own));
    }
    const unknown = [await greenroom('run', 'workbnech'), await greenroom('run', 'workbnech', '--no-daemon')];
    expect(unknown[0]).toEqual(unknown[1]);
    expect(unknown[0]?.status).toBe(3);
    await end(daemon);
  }, 120_000);

  /** A stack differs in what the worker did before. */
  function cut(text: string): string {
    return text.replaceAll(/(\\n|\n) +at [^]*/g, '');
  }

  test('finds a plugin that was written a moment ago, and says what is wrong with one', async () => {
    mkdirSync(join(folder, '.greenroom/plugins'), { recursive: true });
    const daemon = await serve();
    usePlugin('workbench');
    expect(await greenroom('run', 'workbench', '{"value":1}', '--json')).toMatchObject({ status: 0, stdout: '1\n' });
    write('.greenroom/plugins/broken.json', '{');
    expect(await greenroom('run', 'broken')).toMatchObject({
      status: 4,
      stderr: expect.stringContaining('The manifest of "broken"') as string,
    });
    await end(daemon);
  });

  test('gives the plugin a config, and calls one of its tools', async () => {
    usePlugin('workbench');
    const daemon = await serve();
    const { stdout } = await greenroom('run', 'workbench', '{"do":"about"}', '--config', '{"depth":2}', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ config: { depth: 2 } });
    await end(daemon);
  });

  test('is cancelled by Ctrl-C at the daemon, whose worker stays', async () => {
    usePlugin('workbench');
    const daemon = await serve();
    const pid = await pidOf();
    const { child, ended } = start(['run', 'workbench', JSON.stringify({ do: 'wait', for: join(folder, 'never') })]);
    await eventually(async () => expect(await calls()).toBe(1));
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ status: 130, stdout: '' });
    await eventually(async () => expect(await calls()).toBe(0));
    expect(await pidOf()).toBe(pid);
    await end(daemon);
  });

  async function calls(): Promise<number | undefined> {
    const { stdout } = await greenroom('ps', '--json');
    return (JSON.parse(stdout) as { plugins: { inFlight: number }[] }).plugins[0]?.inFlight;
  }

  test('fails where the daemon dies under the call', async () => {
    usePlugin('workbench');
    const daemon = await serve();
    const run = start(['run', 'workbench', JSON.stringify({ do: 'wait', for: join(folder, 'never') })]);
    await eventually(async () => expect(await calls()).toBe(1));
    daemon.child.kill('SIGKILL');
    expect(await run.ended).toMatchObject({
      status: 6,
      stderr: expect.stringContaining('The connection to the daemon') as string,
    });
    // Its record says that it is there, and it is not.
    expect(existsSync(join(folder, 'home/daemon.json'))).toBe(true);
    expect(await greenroom('run', 'workbench', '{"value":1}', '--json')).toMatchObject({ status: 0, stdout: '1\n' });
  });
});

describe('which daemon', () => {
  test('a path that an option names and that is not there is told, with a daemon as without one', async () => {
    usePlugin('workbench');
    const searched = /The search path nowhere does not exist\. Correct --search-path, or create the folder\./;
    const configured = /The configuration no\.json does not exist\. Correct --mcp-config\./;
    const asked = async (...args: string[]): Promise<void> => {
      const listed = await greenroom('list', '--search-path', 'nowhere', ...args);
      expect(listed).toMatchObject({ status: 0, stdout: '' });
      expect(listed.stderr).toMatch(/nowhere \(does not exist\)/);
      expect((await greenroom('run', 'workbench', '--search-path', 'nowhere', ...args)).stderr).toMatch(searched);
      expect((await greenroom('explain', 'workbench', '--search-path', 'nowhere', ...args)).stderr).toMatch(searched);
      expect((await greenroom('run', 'notes', '--mcp-config', 'no.json', ...args)).stderr).toMatch(configured);
    };
    const daemon = await serve();
    await asked();
    await asked('--no-daemon');
    const both = ['--search-path', '.greenroom/plugins', '--search-path', 'nowhere'];
    const listed = await greenroom('list', ...both);
    expect(listed.stdout).toContain('workbench');
    expect(listed.stderr).toMatch(searched);
    expect((await greenroom('list', '--mcp-config', 'no.json')).stderr).toMatch(configured);
    expect((await greenroom('ps', '--search-path', 'nowhere')).stderr).toMatch(searched);
    expect(await pidOf(...both)).toBe(await pidOf());
    await end(daemon);
  });

  test('one that does not look where the command does is not used', async () => {
    usePlugin('workbench');
    const daemon = await serve();
    const pid = await pidOf();
    const elsewhere = join(folder, 'elsewhere');
    mkdirSync(elsewhere);
    expect(await greenroom('run', 'workbench', '--search-path', elsewhere)).toMatchObject({ status: 3 });
    expect(await pidOf('--search-path', '.greenroom/plugins')).toBe(pid);
    // A folder that is not there holds no plugin that the daemon would not know.
    expect(await pidOf('--search-path', '.greenroom/plugins', '--search-path', 'nowhere')).toBe(pid);
    const env = { GREENROOM_SEARCH_PATHS: elsewhere };
    expect(await start(['run', 'workbench'], { env }).ended).toMatchObject({ status: 3 });
    expect(await pidOf('--data-dir', join(folder, 'other'))).not.toBe(pid);
    write('greenroom.json', { searchPaths: ['elsewhere'] });
    expect(await greenroom('list', '--json')).toMatchObject({
      stdout: expect.stringContaining('"plugins":[]') as string,
    });
    write('greenroom.json', { dataDir: 'home', searchPaths: ['.greenroom/plugins'] });
    const { ended } = start(['run', 'workbench', '{"do":"about"}', '--json'], { env: { GREENROOM_HOME: '' } });
    expect(JSON.parse((await ended).stdout)).toMatchObject({ pid });
    write('greenroom.json', '{');
    expect(await greenroom('run', 'workbench')).toMatchObject({ status: 4 });
    write('greenroom.json', {});
    await end(daemon);
  });

  test('one of another version is a warning where its interface fits, and refused where it does not', async () => {
    usePlugin('workbench');
    const daemon = await serve();
    const file = join(folder, 'home/daemon.json');
    const record = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
    const [major = '', minor = ''] = record.version.split('.');
    writeFileSync(file, JSON.stringify({ ...record, version: `${major}.${minor}.9999` }));
    expect(await greenroom('run', 'workbench', '{"value":1}')).toMatchObject({
      status: 0,
      stdout: '1\n',
      stderr: expect.stringMatching(/^warning: .*9999.*greenroom serve --replace\n$/) as string,
    });
    writeFileSync(file, JSON.stringify({ ...record, version: '99.0.0' }));
    expect(await greenroom('run', 'workbench', '{"value":1}')).toMatchObject({
      status: 6,
      stdout: '',
      stderr: expect.stringContaining('greenroom serve --replace') as string,
    });
    writeFileSync(file, JSON.stringify(record));
    await end(daemon);
  });
});

test('list, logs and explain print the same with and without the daemon', async () => {
  usePlugin('workbench', { instances: { min: 1, max: 2 } });
  write('home/plugins/workbench.json', { name: 'workbench', module: 'other', category: 'x' });
  write('.greenroom/plugins/broken.json', '{');
  write('greenroom.json', { capacity: { slots: 3 } });
  const daemon = await serve();
  await greenroom('run', 'workbench', '{"do":"say","text":"so it is"}');
  const lines: readonly (readonly string[])[] = [
    ['list'],
    ['list', '--json'],
    ['list', '--category', 'nosuch'],
    ['list', '--tools'],
    ['logs', 'workbench'],
    ['logs', 'workbench', '--json', '-n', '1'],
    ['logs', 'nosuch'],
    ['explain', 'nosuch'],
  ];
  await eventually(async () => expect((await greenroom('logs', 'workbench')).stdout).toContain('so it is'));
  for (const args of lines) expect(await greenroom(...args)).toEqual(await greenroom(...args, '--no-daemon'));
  const [live, logged] = [
    await greenroom('explain', 'workbench', '--json'),
    await greenroom('explain', 'workbench', '--json', '--no-daemon'),
  ];
  expect(JSON.parse(live.stdout)).toEqual(JSON.parse(logged.stdout));
  expect(JSON.parse(live.stdout)).toMatchObject({ decision: { outcome: 'grant' } });
  // What was loaded before it was asked for its tools stays so.
  expect((await greenroom('ps')).stdout).toContain('ready');
  await end(daemon);
}, 120_000);

test('load, unload, reload and ps act on the daemon, and say so where there is none', async () => {
  usePlugin('workbench');
  const none = await greenroom('load', 'workbench');
  expect(none).toMatchObject({ status: 6, stdout: '', stderr: expect.stringContaining('greenroom serve') as string });
  expect(await greenroom('ps')).toMatchObject({
    status: 0,
    stdout: '',
    stderr: expect.stringContaining('No daemon') as string,
  });
  const daemon = await serve();
  expect(await greenroom('ps')).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^Daemon {2}process \d+/) as string,
  });
  expect(await greenroom('load', 'workbench', '--config', '{"depth":1}')).toMatchObject({ status: 0, stdout: '' });
  const { stdout } = await greenroom('reload', 'workbench', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ name: 'workbench', state: 'ready', generation: 2 });
  const lines = (await greenroom('ps')).stdout.split('\n');
  expect(lines[1]).toMatch(/PLUGIN +STATE +FOR +PID +MEMORY +CALLS/);
  expect(lines[2]).toMatch(/workbench +ready +[\d.]+ m?s +\d+ +\d+ MiB/);
  expect(JSON.parse((await greenroom('top', '--json')).stdout)).toMatchObject({
    daemon: { pid: daemon.child.pid },
    plugins: [{ name: 'workbench', memoryRssMb: expect.any(Number) as number }],
    programs: [],
  });
  expect(await greenroom('unload', 'workbench')).toMatchObject({ status: 0, stderr: '"workbench" is unloaded.\n' });
  expect((await greenroom('ps', '--all')).stdout).toMatch(/workbench +discovered/);
  expect((await greenroom('load', 'nosuch')).status).toBe(3);
  await end(daemon);
});

test('ps and explain say why a plugin was given up', async () => {
  write('.greenroom/plugins/ghost.json', { name: 'ghost', worker: 'command', command: 'no-such-program' });
  const daemon = await serve();
  const cause = 'the program no-such-program was not found on PATH';
  expect((await greenroom('load', 'ghost')).stderr).toContain(cause);
  const lines = (await greenroom('ps')).stdout.split('\n');
  expect(lines[2]).toMatch(/ghost +crashed failed .* E_GIVEN_UP [\d.]+ m?s ago$/);
  expect(lines[4]).toMatch(new RegExp(`^"ghost" was given up.*${cause}`));
  const { stdout, stderr } = await greenroom('explain', 'ghost');
  expect(stdout).toMatch(new RegExp(`^"ghost" has been crashed \\(failed\\) for .* s\\.\n  given up .*${cause}`));
  expect(stderr).toBe('');
  await end(daemon);
});

test('ps and explain say which plugin has not started and how long ago, until it has served', async () => {
  usePlugin('workbench');
  const code = (initialize: string): string => `
    import { definePlugin } from ${JSON.stringify(SDK)};
    export default definePlugin({ name: 'bad', initialize() { ${initialize} }, execute: () => 1 });`;
  write('.greenroom/plugins/bad.mjs', code('throw new Error("no licence");'));
  write('.greenroom/plugins/bad.json', { name: 'bad', module: './bad.mjs' });
  const daemon = await serve();
  expect((await greenroom('run', 'bad')).status).toBe(1);
  const { stdout, stderr } = await greenroom('ps');
  const lines = stdout.split('\n');
  expect(lines[2]).toMatch(/bad +discovered idle .* E_REMOTE [\d.]+ m?s ago$/);
  expect(lines[4]).toBe('"bad" raised Error: no licence');
  expect(stderr).toBe('');
  expect((await greenroom('explain', 'bad')).stdout).toMatch(
    /\n {2}failed {3}[\d.]+ m?s ago: "bad" raised Error: no licence\n/,
  );
  write('.greenroom/plugins/bad.mjs', code(''));
  expect((await greenroom('run', 'bad')).stdout).toBe('1\n');
  expect((await greenroom('unload', 'bad')).status).toBe(0);
  expect((await greenroom('ps')).stderr).toBe('No plugin runs.\n');
  await end(daemon);
});

test('ps tells of programs with supervisors of their own', async () => {
  usePlugin('workbench');
  const run = start(['run', 'workbench', JSON.stringify({ do: 'wait', for: join(folder, 'go') }), '--no-daemon']);
  const find = async (): Promise<void> =>
    expect((await greenroom('ps')).stdout).toMatch(new RegExp(`^Program {2}process ${run.child.pid} .*run workbench`));
  await eventually(find);
  write('go', '');
  await run.ended;
});

test('top keeps a terminal up to date until Ctrl-C', async () => {
  usePlugin('workbench');
  const daemon = await serve();
  const top = start(['top'], { terminal: true });
  await shown(top.child, 'No plugin runs', 'stdout');
  const ready = shown(top.child, 'workbench', 'stdout');
  await greenroom('load', 'workbench');
  await ready;
  top.child.stdin?.write('\n');
  expect(await top.ended).toMatchObject({ status: 130 });
  await end(daemon);
});

test('dev is a daemon, and says so where there is another', async () => {
  usePlugin('workbench');
  const dev = start(['dev']);
  await shown(dev.child, 'Inspector', 'stdout');
  const pid = await pidOf();
  expect(await pidOf()).toBe(pid);
  const second = start(['dev']);
  const told = shown(second.child, 'Other commands do not use this supervisor');
  await Promise.all([told, shown(second.child, 'Inspector', 'stdout')]);
  second.child.kill('SIGINT');
  expect((await second.ended).stderr.trim().split('\n')).toHaveLength(1);
  dev.child.kill('SIGINT');
  expect(await dev.ended).toMatchObject({ status: 130 });
  expect(existsSync(join(folder, 'home/daemon.json'))).toBe(false);
});
