import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { failure, type OpenedSupervisor, openSupervisor } from './greenroom.ts';

const NODE = process.execPath;

/** Writes a program that is Node where the condition of a shell holds, and leaves a mark where it does not. */
function writeProgram(
  opened: OpenedSupervisor,
  name: string,
  condition: string,
): { readonly file: string; readonly mark: string } {
  const file = join(opened.scratch, name);
  const mark = join(opened.scratch, `${name}-started-otherwise`);
  writeFileSync(file, `#!/bin/sh\nif ${condition}; then exec "${NODE}" "$@"; fi\n: > "${mark}"\n`);
  chmodSync(file, 0o755);
  return { file, mark };
}

/** Lets this program look like one whose executable is `file`, in a process with these versions. */
function pretend(file: string, versions: Record<string, string>): void {
  const given = Object.getOwnPropertyDescriptor(process, 'versions') as PropertyDescriptor;
  process.execPath = file;
  Object.defineProperty(process, 'versions', { ...given, value: { ...process.versions, ...versions } });
  onTestFinished(() => {
    process.execPath = NODE;
    Object.defineProperty(process, 'versions', given);
  });
}

test('in an Electron application a Node plugin runs in the application as Node', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const { file, mark } = writeProgram(opened, 'my app', '[ "$ELECTRON_RUN_AS_NODE" = 1 ]');
  pretend(file, { electron: '33.0.0' });
  expect(await opened.supervisor.execute('plugin', { value: 1 })).toBe(1);
  expect(existsSync(mark)).toBe(false);
});

test('a Node plugin runs in the Node that is set, with nothing of Electron in its environment', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } }, ({ scratch }) => ({
    nodePath: join(scratch, 'node'),
  }));
  const { mark } = writeProgram(opened, 'node', '[ -z "$ELECTRON_RUN_AS_NODE" ]');
  pretend('/nowhere/my-app', { electron: '33.0.0' });
  expect(await opened.supervisor.execute('plugin', { value: 1 })).toBe(1);
  expect(existsSync(mark)).toBe(false);
});

test('a Node that is set and not there is an error that names the setting', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } }, { nodePath: '/nowhere/node' });
  expect(await failure(opened.supervisor.load('plugin'))).toMatchObject({
    code: 'E_OPTIONS',
    plugin: 'plugin',
    message: expect.stringMatching(
      /"\/nowhere\/node" cannot be run: .*ENOENT.* Set nodePath \(or GREENROOM_NODE_PATH\)/,
    ),
  });
});

test('a single executable is not started again as if it were Node', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const { file, mark } = writeProgram(opened, 'app', 'false');
  pretend(file, {});
  const { getBuiltinModule } = process;
  onTestFinished(() => {
    process.getBuiltinModule = getBuiltinModule;
  });
  process.getBuiltinModule = (id: string) => (id === 'node:sea' ? { isSea: () => true } : getBuiltinModule(id));
  expect(await failure(opened.supervisor.load('plugin'))).toMatchObject({
    code: 'E_OPTIONS',
    message: expect.stringContaining('is a single executable and not Node. Set nodePath'),
  });
  expect(existsSync(mark)).toBe(false);
});
