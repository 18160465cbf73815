import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../fixtures/processes/follow-edit.mjs', import.meta.url));

/** A program in a user namespace of its own has limits of its own, which it may set where the system lets it. */
const inNamespace = (line: string): readonly [string, readonly string[]] => ['unshare', ['-Ur', 'sh', '-c', line]];
const canLimit = spawnSync(...inNamespace('echo 1 > /proc/sys/user/max_inotify_watches')).status === 0;

test.runIf(canLimit).each([
  ['watches', 'max_inotify_watches', 'ENOSPC', 'fs.inotify.max_user_watches'],
  ['watching programs', 'max_inotify_instances', 'EMFILE', 'fs.inotify.max_user_instances'],
])(
  'where the limit of %s is reached, that is told with how to raise it, and edits are served by reading',
  async (_, limit, code, knob) => {
    const folder = mkdtempSync(join(tmpdir(), 'gr-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const plugin = join(folder, 'plugins/plugin');
    mkdirSync(plugin, { recursive: true });
    writeFileSync(join(plugin, 'manifest.json'), '{"name":"plugin","module":"./plugin.mjs"}');
    writeFileSync(join(plugin, 'plugin.mjs'), 'export default { execute: () => 1 };\n');
    const [file, args] = inNamespace(`echo 0 > /proc/sys/user/${limit}; exec "$@"`);
    const command = [...args, 'sh', process.execPath, PROGRAM, folder];
    const env = { PATH: process.env['PATH'], HOME: folder, XDG_RUNTIME_DIR: folder };
    const { stdout } = await promisify(execFile)(file, command, { env });
    const told = JSON.parse(stdout) as { readonly reason: string; readonly answer: number };
    expect(told).toMatchObject({ answer: 2, reason: expect.stringContaining(code) });
    expect(told.reason).toContain(`sudo sysctl ${knob}=`);
  },
);
