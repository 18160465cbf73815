import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { nativePlugin } from '../../src/mcp-front/native-plugin.ts';
import { planEnvironment } from '../../src/python-envs/environment-plan.ts';
import { PythonEnvs } from '../../src/python-envs/python-envs.ts';
import { failure, type OpenedSupervisor, openSupervisor } from '../runtime/greenroom.ts';
import { SEED } from '../seed.ts';
import { randomFrom } from '../simulation/random.mjs';
import { makeWheel, NO_SETTINGS, PYTHON, pythonWithout, stubOfUv, write } from './python.ts';

// INSTALL_KILLS kills so many installers instead.
const KILLS = Number(process.env['INSTALL_KILLS'] ?? 4);

const MAKE = fileURLToPath(new URL('../fixtures/python-envs/make.mjs', import.meta.url));

const PLUGIN = `
import sys
import subprocess
import tiny

class Plugin:
    def execute(self):
        return [tiny.version, sys.executable, subprocess.check_output(["tiny"], text=True).strip()]
`;

/** The phases of a start that installs. */
const INSTALLED = ['spawning.admitting', 'spawning.launching', 'spawning.installing', 'spawning.launching'];

type More = Readonly<Record<string, unknown>>;

/** A plugin that needs the wheel `tiny`, which lies in a folder beside it; it is written into a folder of its own. */
function tinyUser(plugins: string, more: More = {}, requirements = 'tiny==1.0\n'): Record<string, unknown> {
  makeWheel(join(plugins, 'wheels'), 'tiny', '1.0');
  write(join(plugins, 'plugin.py'), PLUGIN);
  write(join(plugins, 'requirements.txt'), `--no-index\n--find-links wheels\n${requirements}`);
  return {
    module: 'plugin.py',
    python_path: PYTHON,
    python: { requirements: 'requirements.txt' },
    env_vars: NO_SETTINGS,
    ...more,
  };
}

const open = (more: More = {}, requirements?: string): Promise<OpenedSupervisor> =>
  openSupervisor(({ plugins }) => ({ s: tinyUser(plugins, more, requirements) }));

/** The folders of the plugin's environments, complete or not. */
const foldersOf = ({ dataDir }: OpenedSupervisor): string[] => {
  const folder = join(dataDir, 'python', 's');
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
};

test('the packages of a plugin are installed before its first start, and not again', async () => {
  const opened = await open({ python: { requirements: 'requirements.txt', version: '>=3.6' } });
  const result = await opened.supervisor.execute('s');
  const [folder = ''] = foldersOf(opened);
  expect(result).toEqual(['1.0', join(folder, 'bin', 'python'), 'tiny 1.0']);
  expect(opened.path('s').slice(0, 4)).toEqual(INSTALLED);
  expect(await opened.supervisor.logs('s')).toContain('Successfully installed tiny-1.0');
  opened.transitions.length = 0;
  await opened.supervisor.reload('s');
  expect(await opened.supervisor.execute('s')).toEqual(result);
  expect(opened.path('s').filter((state) => state.includes('installing'))).toEqual([]);
  expect(foldersOf(opened)).toEqual([folder]);
});

test('while the packages of a plugin are installed, its clients of MCP can be told of it', async () => {
  const opened = await open();
  const plugin = nativePlugin(opened.supervisor, { name: 's', description: '' });
  expect(plugin.installing?.()).toBeUndefined();
  const installing = opened.entered('s', 'spawning', 'installing');
  const result = opened.supervisor.execute('s');
  await installing;
  expect(plugin.installing?.()).toMatchObject({ spec: 'requirements.txt' });
  await result;
  expect(plugin.installing?.()).toBeUndefined();
});

test('changed requirements, in an included file or as another wheel, make another environment at the next start', async () => {
  const opened = await open({}, '-r more.txt\n');
  const more = write(join(opened.plugins, 'more.txt'), 'tiny\n');
  expect(await opened.supervisor.execute('s')).toMatchObject(['1.0', {}, {}]);
  await opened.supervisor.unload('s');
  makeWheel(join(opened.plugins, 'wheels'), 'tiny', '1.1');
  expect(await opened.supervisor.execute('s')).toMatchObject(['1.1', {}, {}]);
  await opened.supervisor.unload('s');
  writeFileSync(more, 'tiny < 1.1\n');
  expect(await opened.supervisor.execute('s')).toMatchObject(['1.0', {}, {}]);
  expect(foldersOf(opened)).toHaveLength(3);
  await opened.supervisor.unload('s');
  // A comment changes nothing.
  writeFileSync(more, '# why\ntiny < 1.1  # so\n');
  utimesSync(more, 1, 1);
  await opened.supervisor.execute('s');
  expect(foldersOf(opened)).toHaveLength(3);
});

test('the dependencies of a pyproject.toml are installed, and not the project', async () => {
  const opened = await open({ python: { requirements: 'pyproject.toml' } });
  const project = join(opened.plugins, 'pyproject.toml');
  const text = '[project]\nname = "mine"\nversion = "1"\ndependencies = ["tiny==1.0"]\n';
  write(project, `${text}requires-python = ">=3.90"\n`);
  expect((await failure(opened.supervisor.execute('s'))).message).toMatch(/Looked at: \S+ is 3\.\d+\.\d+, not >=3\.90/);
  write(project, text);
  opened.write('s', {
    ...tinyUser(opened.plugins),
    python: { requirements: 'pyproject.toml' },
    env_vars: wheelsOf(opened),
  });
  await opened.supervisor.discover();
  expect(await opened.supervisor.execute('s')).toMatchObject(['1.0', {}, 'tiny 1.0']);
  await opened.supervisor.unload('s');
  write(project, '[project]\nname = "mine"\nversion = "1"\ndynamic = ["dependencies"]\n');
  expect((await failure(opened.supervisor.execute('s'))).message).toContain('its dependencies are dynamic');
});

const wheelsOf = ({ plugins }: OpenedSupervisor) => ({
  ...NO_SETTINGS,
  PIP_NO_INDEX: '1',
  PIP_FIND_LINKS: join(plugins, 'wheels'),
});

test('uv makes the environment where it is on PATH', async () => {
  const opened = await openSupervisor(({ plugins, scratch }) => {
    stubOfUv(scratch);
    return { s: tinyUser(plugins, { env_vars: { ...NO_SETTINGS, PATH: `${scratch}:${process.env['PATH']}` } }) };
  });
  expect(await opened.supervisor.execute('s')).toMatchObject(['1.0', {}, 'tiny 1.0']);
  const [folder = ''] = foldersOf(opened);
  expect(readFileSync(join(opened.scratch, 'runs'), 'utf8').trimEnd().split('\n')).toEqual([
    '--version',
    `venv --no-project --python ${PYTHON} ${folder}`,
    `pip install --python ${folder}/bin/python -r ${opened.plugins}/requirements.txt`,
  ]);
  expect(JSON.parse(readFileSync(join(folder, '.complete'), 'utf8'))).toMatchObject({
    installer: 'uv 0.0.7',
    plugin: 's',
  });
});

test.each([
  ['ensurepip', ['ensurepip'], /^pip \d/],
  ['pip', ['pip'], /^venv 3/],
] as const)('without %s there is another way', async (_, modules, installer) => {
  const opened = await openSupervisor(({ plugins, scratch }) => ({
    s: tinyUser(plugins, { python_path: pythonWithout(scratch, modules) }),
  }));
  expect(await opened.supervisor.execute('s')).toMatchObject(['1.0', {}, 'tiny 1.0']);
  const record = JSON.parse(readFileSync(join(foldersOf(opened)[0] ?? '', '.complete'), 'utf8')) as {
    installer: string;
  };
  expect(record.installer).toMatch(installer);
});

test('without pip and ensurepip the error says which package to install', async () => {
  const opened = await openSupervisor(({ plugins, scratch }) => ({
    s: tinyUser(plugins, {
      python_path: pythonWithout(scratch, ['pip', 'ensurepip']),
      env_vars: { PATH: '/usr/bin:/bin' },
    }),
  }));
  const error = await failure(opened.supervisor.execute('s'));
  expect(error.code).toBe('E_START');
  expect(error.message).toMatch(/uv is not on PATH, and \S+\/python3 \(Python 3\S+\) has no pip and no ensurepip/);
  expect(error.message).toMatch(/sudo apt install python3\.\d+-venv/);
  expect(foldersOf(opened)).toEqual([]);
});

test('a version that no Python has names those that were looked at', async () => {
  const opened = await openSupervisor(({ plugins, scratch }) => {
    for (const name of ['python3', 'python3.12'])
      write(join(scratch, name), `#!/bin/sh\nexec '${PYTHON}' "$@"\n`, 0o755);
    const { python_path, ...manifest } = tinyUser(plugins, { env_vars: { PATH: scratch } });
    expect(python_path).toBe(PYTHON);
    return { s: { ...manifest, python: { requirements: 'requirements.txt', version: '>=3.90' } } };
  });
  const { code, message } = await failure(opened.supervisor.execute('s'));
  expect(code).toBe('E_START');
  expect(message).toContain('"s" needs Python >=3.90, which was not found');
  for (const name of ['python3', 'python3.12'])
    expect(message).toMatch(new RegExp(`${opened.scratch}/${name} is 3\\.\\d+\\.\\d+`));
});

test('a wheel that is not there says where it was looked for, for which Python, and what is there', async () => {
  const opened = await open({}, 'tiny-other\n');
  makeWheel(join(opened.plugins, 'wheels'), 'tiny_other', '2.0', 'cp39-cp39-plan9_mips');
  const { code, message } = await failure(opened.supervisor.execute('s'));
  expect(code).toBe('E_START');
  expect(message).toContain('Could not find a version that satisfies the requirement tiny-other (from versions: none)');
  expect(message).toContain(`Looked in ${opened.plugins}/wheels, for Python 3.`);
  expect(message).toMatch(/\((cp\d+\w*), linux-\w+\)\. There is: tiny_other-2\.0-cp39-cp39-plan9_mips\.whl/);
  expect(foldersOf(opened)).toEqual([]);
  // What was missing comes, and the next call tries again.
  makeWheel(join(opened.plugins, 'wheels'), 'tiny_other', '2.0');
  makeWheel(join(opened.plugins, 'wheels'), 'tiny', '1.0');
  writeFileSync(join(opened.plugins, 'requirements.txt'), '--no-index\n-f wheels\ntiny\ntiny-other\n');
  expect(await opened.supervisor.execute('s')).toMatchObject(['1.0', {}, {}]);
});

test('a full disk is said, and nothing is left on it', async () => {
  const opened = await openSupervisor(({ plugins, scratch }) => {
    const full = 'ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device';
    const script = `#!/bin/sh\ncase "$*" in *" install "*) echo "${full}" >&2; exit 1;; esac\nexec '${PYTHON}' "$@"\n`;
    return { s: tinyUser(plugins, { python_path: write(join(scratch, 'python3'), script, 0o755) }) };
  });
  const { message } = await failure(opened.supervisor.execute('s'));
  expect(message).toContain('"s" could not be installed: no space is left on the disk');
  expect(foldersOf(opened)).toEqual([]);
});

test('an installer that is killed, or takes too long, leaves nothing', async () => {
  const opened = await openSupervisor(({ plugins, scratch }) => {
    const door = `while [ ! -e '${scratch}/door' ]; do sleep 0.01; done`;
    const script = `#!/bin/sh\ncase "$*" in *" install "*) echo $$ >'${scratch}/pid'; ${door};; esac\nexec '${PYTHON}' "$@"\n`;
    return {
      s: tinyUser(plugins, { python_path: write(join(scratch, 'python3'), script, 0o755), install_timeout_ms: 20_000 }),
    };
  });
  const pidFile = join(opened.scratch, 'pid');
  const killed = failure(opened.supervisor.execute('s'));
  await expect.poll(() => existsSync(pidFile) && readFileSync(pidFile, 'utf8'), { timeout: 10_000 }).toMatch(/\n/);
  process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL');
  expect((await killed).message).toContain('was killed (SIGKILL)');
  expect(foldersOf(opened)).toEqual([]);
  opened.write('s', {
    ...tinyUser(opened.plugins),
    python_path: join(opened.scratch, 'python3'),
    install_timeout_ms: 500,
  });
  await opened.supervisor.discover();
  const late = await failure(opened.supervisor.execute('s'));
  expect(late.code).toBe('E_START_TIMEOUT');
  expect(late.message).toContain('install_timeout_ms');
  await expect.poll(() => foldersOf(opened), { timeout: 10_000 }).toEqual([]);
  write(join(opened.scratch, 'door'), '');
  opened.write('s', { ...tinyUser(opened.plugins), python_path: join(opened.scratch, 'python3') });
  await opened.supervisor.discover();
  expect(await opened.supervisor.execute('s')).toMatchObject(['1.0', {}, {}]);
});

test('requirements that are missing, or name a folder, are a fault of the manifest', async () => {
  const opened = await open();
  const file = join(opened.plugins, 'requirements.txt');
  writeFileSync(file, 'tiny\n-e .\n');
  const refused = await failure(opened.supervisor.execute('s'));
  expect(refused.code).toBe('E_MANIFEST');
  expect(refused.message).toContain(`${file}:2: "-e ." is a folder`);
  rmSync(file);
  const missing = await failure(opened.supervisor.load('s'));
  expect(missing.code).toBe('E_MANIFEST');
  expect(missing.message).toContain(`the requirements file ${file} does not exist`);
});

test('a missing module says which file to edit, or the command where its interpreter has a pip', async () => {
  const opened = await open();
  writeFileSync(join(opened.plugins, 'plugin.py'), 'import cv2\n');
  const { message } = await failure(opened.supervisor.execute('s'));
  expect(message).toContain("No module named 'cv2'");
  expect(message).toContain(`Add the package that has this module to ${opened.plugins}/requirements.txt`);
  expect(message).toContain('greenroom env repair s');
  expect(message).not.toContain('pip install');
  opened.write('t', { module: 'absent_plugin', python_path: PYTHON });
  opened.write('u', { module: 'plugin.py', python_path: PYTHON });
  await opened.supervisor.discover();
  expect((await failure(opened.supervisor.execute('t'))).message).toMatch(/Check "module" in \S+\/t\.json/);
  const unmanaged = await failure(opened.supervisor.execute('u'));
  expect(unmanaged.message).toMatch(
    /To install it, run: \S+ -m pip install opencv-python\. Or list it in a requirements\.txt/,
  );
});

test('a plugin uses the .venv beside its manifest, unless that names another Python', async () => {
  const opened = await openSupervisor(({ plugins }) => {
    execFileSync(PYTHON, ['-m', 'venv', '--without-pip', join(plugins, '.venv')]);
    write(
      join(plugins, 'plugin.py'),
      'import sys\nclass Plugin:\n    def execute(self):\n        return sys.executable\n',
    );
    return { s: { module: 'plugin.py' }, t: { module: 'plugin.py', python_path: PYTHON } };
  });
  expect(await opened.supervisor.execute('s')).toBe(join(opened.plugins, '.venv', 'bin', 'python'));
  expect(await opened.supervisor.execute('t')).toBe(PYTHON);
  await opened.supervisor.unload('s');
  rmSync(join(opened.plugins, '.venv', 'bin'), { recursive: true });
  const { message } = await failure(opened.supervisor.execute('s'));
  expect(message).toContain(join(opened.plugins, '.venv', 'bin', 'python'));
});

test('ten processes at once make one environment', async () => {
  const opened = await open();
  const made = await Promise.all(Array.from({ length: 10 }, () => makeIn(opened).made));
  const folders = foldersOf(opened);
  expect(folders).toHaveLength(1);
  expect(made.map(({ folder }) => folder)).toEqual(Array(10).fill(folders[0]));
  expect(made.map(({ steps }) => steps).filter((steps) => steps > 0)).toEqual([2]);
});

test(`whenever an installer is killed with its supervisor, the next start makes the environment whole (seed ${SEED})`, {
  timeout: KILLS * 30_000,
}, async () => {
  const opened = await open();
  const random = randomFrom(SEED);
  const envs = new PythonEnvs(opened.dataDir);
  const { signal } = new AbortController();
  const need = { requirements: join(opened.plugins, 'requirements.txt'), interpreter: PYTHON };
  const env = { PATH: process.env['PATH'] ?? '', ...NO_SETTINGS };
  const plan = await planEnvironment(need, { plugin: 's', manifest: 'm' }, env, envs.interpreters, signal);
  const begunAt = performance.now();
  await makeIn(opened).made;
  const tookMs = performance.now() - begunAt;
  await envs.remove('s', () => true, signal);
  let unfinished = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const { child, made } = makeIn(opened);
    const fate = made.catch(() => undefined);
    // One in each part of the time that it takes on this machine, for few to meet it at different steps.
    const afterMs = ((kill + random()) / KILLS) * tookMs;
    await Promise.race([delay(afterMs), fate]);
    child.kill('SIGKILL');
    await fate;
    const found = envs.find('s', plan.key);
    if (found === undefined && foldersOf(opened).length > 0) unfinished += 1;
    // Whatever counts as complete is, and what is made is.
    const folder = found ?? (await makeIn(opened).made).folder;
    expect(execFileSync(join(folder, 'bin', 'tiny'), { encoding: 'utf8' })).toBe('tiny 1.0\n');
    expect(envs.of('s').filter(({ record }) => record !== undefined)).toHaveLength(1);
    await envs.remove('s', () => true, signal);
  }
  // Else nothing was tried.
  expect(unfinished).toBeGreaterThan(0);
});

interface Making {
  readonly child: ChildProcess;
  readonly made: Promise<{ readonly folder: string; readonly steps: number }>;
}

/** A process that makes the environment of the plugin, as one of its own would. */
function makeIn({ dataDir, plugins }: OpenedSupervisor): Making {
  const args = [MAKE, dataDir, 's', join(plugins, 'requirements.txt'), PYTHON];
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...NO_SETTINGS },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const printed = text(child.stdout);
  const made = once(child, 'exit').then(async () => JSON.parse(await printed) as Awaited<Making['made']>);
  return { child, made };
}
