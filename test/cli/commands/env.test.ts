import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { makeWheel, NO_SETTINGS, PYTHON, write as writeProgram } from '../../python-envs/python.ts';
import { folder, greenroom, shown, start, write } from '../command-line.ts';

// Of many command lines, each of which is a program to start.
vi.setConfig({ testTimeout: 120_000 });

interface Listed {
  readonly environments: readonly {
    readonly plugin: string;
    readonly state: string;
    readonly python: string | null;
    readonly bytes: number;
    readonly pids: readonly number[];
    readonly folder: string | null;
  }[];
}

const PLUGIN = `
import tiny

class Plugin:
    def execute(self, module="tiny"):
        return __import__(module).version
    def execute_stream(self):
        yield tiny.version
        __import__("time").sleep(60)
`;

/** A plugin that needs the wheel `tiny`. */
function usePlugin(requirements = 'tiny==1.0'): string {
  makeWheel(join(folder, 'wheels'), 'tiny', '1.0');
  write('.greenroom/plugins/s/plugin.py', PLUGIN);
  write('.greenroom/plugins/s/manifest.json', {
    name: 's',
    module: 'plugin.py',
    python_path: PYTHON,
    python: { requirements: 'requirements.txt' },
    env_vars: NO_SETTINGS,
  });
  return write('.greenroom/plugins/s/requirements.txt', `--no-index\n-f ../../../wheels\n${requirements}\n`);
}

async function list(): Promise<Listed['environments']> {
  return (JSON.parse((await greenroom('env', 'list', '--json')).stdout) as Listed).environments;
}

test('environments are listed, repaired and removed', async () => {
  const requirements = usePlugin();
  expect(await list()).toMatchObject([{ plugin: 's', state: 'missing', folder: null }]);
  const run = await greenroom('run', 's');
  expect(run).toMatchObject({ status: 0, stdout: '"1.0"\n' });
  expect(run.stderr).toContain('Installing what "s" needs. Its output: greenroom logs s --follow');
  const [first] = await list();
  expect(first).toMatchObject({ state: 'current', python: expect.stringMatching(/^3\./) as unknown, pids: [] });
  expect(first?.bytes).toBeGreaterThan(0);
  expect((await greenroom('env', 'list')).stdout).toMatch(
    /PLUGIN +STATE.*\ns +current +3\.\S+ +pip \S+ +< 1 MiB +home\/python\/s\//,
  );

  const late = await greenroom('run', 's', '--arg', 'module=cv2');
  expect(late.status).toBe(1);
  expect(late.stderr).toMatch(/hint: +Add the package that has this module .*: greenroom env repair s/);

  // A module is gone, as where somebody has removed it.
  const [site = ''] = (await greenroom('logs', 's')).stdout.match(/\S+\/python\/s\/\S+/) ?? [];
  writeFileSync(
    join(site, 'lib', `python${first?.python?.split('.').slice(0, 2).join('.')}`, 'site-packages', 'tiny.py'),
    'import cv2',
  );
  const broken = await greenroom('run', 's');
  expect(broken.status).toBe(5);
  expect(broken.stderr).toContain('If it is there, run: greenroom env repair s');
  const repaired = await greenroom('env', 'repair', 's');
  expect(repaired.status).toBe(0);
  expect(repaired.stderr).toContain('Successfully installed tiny-1.0');
  const [second] = await list();
  expect(second?.folder).not.toBe(first?.folder);
  expect(await greenroom('run', 's')).toMatchObject({ status: 0, stdout: '"1.0"\n' });

  makeWheel(join(folder, 'wheels'), 'tiny', '1.1');
  writeFileSync(requirements, readFileSync(requirements, 'utf8').replace('1.0', '1.1'));
  expect(await greenroom('run', 's')).toMatchObject({ status: 0, stdout: '"1.1"\n' });
  expect((await list()).map(({ state }) => state).toSorted()).toEqual(['current', 'old']);
  expect((await greenroom('env', 'remove', 's', '--old')).stderr).toBe(
    `Removed ${second?.folder?.slice(folder.length + 1)}\n`,
  );
  expect(await list()).toMatchObject([{ state: 'current' }]);
  expect(JSON.parse((await greenroom('env', 'remove', 's', '--json')).stdout)).toMatchObject({ plugin: 's', used: [] });
  expect(await list()).toMatchObject([{ state: 'missing' }]);
});

test('an environment that a worker runs in is kept', async () => {
  usePlugin();
  const streaming = start(['run', 's', '--stream']);
  await shown(streaming.child, '1.0', 'stdout');
  const kept = await greenroom('env', 'remove', 's');
  expect(kept.status).toBe(7);
  expect(kept.stderr).toMatch(/Kept \S+: process \d+ runs in it\. .*greenroom unload s/);
  const [row] = await list();
  expect(row?.pids).toHaveLength(1);
  // The one that is made anew counts from now on, also beside it.
  expect((await greenroom('env', 'repair', 's')).status).toBe(0);
  expect((await list()).map(({ state }) => state).toSorted()).toEqual(['current', 'unfinished']);
  streaming.child.kill('SIGINT');
  await streaming.ended;
  expect((await greenroom('env', 'remove', 's', '--old')).status).toBe(0);
  expect(await list()).toMatchObject([{ state: 'current' }]);
});

test('what cannot be done is said, each with its status', async () => {
  const requirements = usePlugin('absent');
  write('.greenroom/plugins/t/manifest.json', { name: 't', module: 'plugin.py' });
  const failed = await greenroom('env', 'repair', 's');
  expect(failed.status).toBe(5);
  expect(failed.stderr).toContain(`Looked in ${folder}/wheels`);
  expect(existsSync(join(folder, 'home', 'python', 's'))).toBe(true);
  expect(await list()).toMatchObject([{ state: 'missing' }]);
  writeFileSync(requirements, '-e .');
  expect(await greenroom('env', 'repair', 's')).toMatchObject({ status: 4 });
  const validated = await greenroom('validate');
  expect(validated.status).toBe(4);
  expect(validated.stdout).toMatch(/python\.requirements +\S+:1: "-e \." is a folder/);
  expect((await greenroom('doctor')).stdout).toMatch(/fail +Python packages +.*"-e \." is a folder/);
  const refused: readonly (readonly [status: number, ...args: string[]])[] = [
    [4, 'repair', 't'],
    [3, 'repair', 'nobody'],
    [3, 'remove', 'nobody'],
    [2, 'clean'],
    [2, 'repair'],
    [2, 'list', 's'],
    [2, 'list', '--old'],
  ];
  const ends = await Promise.all(refused.map(([, ...args]) => greenroom('env', ...args)));
  expect(ends.map(({ status }) => status)).toEqual(refused.map(([status]) => status));
});

test('Ctrl-C ends a repair with its installer, and leaves nothing', async () => {
  usePlugin();
  const script = `#!/bin/sh\ncase "$*" in *" install "*) echo begun; exec sleep 100;; esac\nexec '${PYTHON}' "$@"\n`;
  const slow = writeProgram(join(folder, 'slow'), script, 0o755);
  const manifest = join(folder, '.greenroom/plugins/s/manifest.json');
  writeFileSync(manifest, readFileSync(manifest, 'utf8').replace(PYTHON, slow));
  const { child, ended } = start(['env', 'repair', 's']);
  await shown(child, 'begun');
  child.kill('SIGINT');
  expect((await ended).status).toBe(130);
  expect(await list()).toMatchObject([{ state: 'missing' }]);
});
