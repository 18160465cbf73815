import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { endMarked, MARK_VARIABLE } from '../../src/orphans/spawn-mark.ts';
import { readProcStat } from '../../src/process/proc-stat.ts';

const RESTLESS = fileURLToPath(new URL('../fixtures/processes/restless.sh', import.meta.url));

it.runIf(existsSync('/proc/self/environ'))(
  'a process is found by its mark also while it is between two programs, where it has no environment',
  async () => {
    for (let round = 0; round < 40; round += 1) {
      const mark = `0123456789ab.${round}`;
      const env = { PATH: process.env['PATH'], [MARK_VARIABLE]: mark };
      const child = spawn('sh', [RESTLESS], { env, stdio: ['ignore', 'pipe', 'inherit'] });
      try {
        await new Promise((resolve) => child.stdout.once('data', resolve));
        await endMarked(mark);
        const left = readProcStat(child.pid as number);
        expect(left === null || left.zombie).toBe(true);
      } finally {
        child.kill('SIGKILL');
      }
    }
  },
);
