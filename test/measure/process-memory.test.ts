import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createTreeSampler } from '../../src/measure/process-tree.ts';
import { readTreeMemory } from '../../src/measure/tree-memory.ts';

const HELD_MB = 100;
/** Holds memory, and forks three children that share it and end with their standard input. */
const FORKS = `
import os, sys
held = bytearray(b"x") * (${HELD_MB} * 1024 * 1024)
for _ in range(3):
    if os.fork() == 0:
        break
else:
    print("ready", flush=True)
sys.stdin.read()
`;

test.runIf(existsSync('/proc/self/smaps_rollup'))('memory that forked processes share counts once', async () => {
  const child = spawn('python3', ['-c', FORKS], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    await once(child.stdout, 'data');
    const pid = child.pid as number;
    const memory = await readTreeMemory(pid);
    expect(memory?.pids).toHaveLength(4);
    for (const mb of [memory?.rssMb, memory?.peakMb, (await createTreeSampler().sample(pid)).memoryRssMb]) {
      expect(mb).toBeGreaterThan(HELD_MB * 0.9);
      expect(mb).toBeLessThan(HELD_MB * 2);
    }
  } finally {
    child.stdin.end();
    await once(child, 'close');
  }
});
