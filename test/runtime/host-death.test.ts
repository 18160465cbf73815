import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { eventually } from '../eventually.ts';
import { lives, openSupervisor } from './greenroom.ts';

const HOST = fileURLToPath(new URL('../fixtures/hosts/crowd-host.mjs', import.meta.url));
const WORKERS = 20;

// Whether a process lives is read from /proc.
test.runIf(process.platform === 'linux').each([1, 2, 3])(
  'of twenty workers and their children none is left once their program has been killed (round %i)',
  async () => {
    const opened = await openSupervisor({});
    for (let index = 0; index < WORKERS; index += 1)
      opened.write(`worker-${index}`, { fixture: index % 2 === 0 ? 'workbench' : 'workbench-python' });
    const host = spawn(process.execPath, [HOST, opened.plugins, opened.dataDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void host.kill('SIGKILL'));
    const [line] = (await once(createInterface({ input: host.stdout }), 'line')) as [string];
    const family = JSON.parse(line) as number[];
    expect(family.filter(lives)).toHaveLength(2 * WORKERS);
    const died = once(host, 'exit');
    host.kill('SIGKILL');
    await died;
    await eventually(() => expect(family.filter(lives)).toEqual([]), { interval: 5 });
    const sockets = process.env['XDG_RUNTIME_DIR'] ?? '';
    await eventually(() => expect(readdirSync(sockets)).toEqual([]), { interval: 5 });
  },
);
