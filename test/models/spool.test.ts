import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { MEMORY_BYTES, Spool } from '../../src/models/spool.ts';
import { SpoolSpace } from '../../src/models/spool-space.ts';

/** The files of a folder that this process has open, those without a name included. */
function openBelow(folder: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      const file = readlinkSync(`/proc/self/fd/${descriptor}`);
      return file.startsWith(folder) ? [file] : [];
    } catch {
      return [];
    }
  });
}

test('bytes that are removed while they move to a file leave no folder and no open file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'spool-test-'));
  for (const name of ['TMPDIR', 'TMP', 'TEMP']) vi.stubEnv(name, folder);
  onTestFinished(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });
  const spool = new Spool(new SpoolSpace());
  const adding = spool.add(Buffer.alloc(MEMORY_BYTES + 1));
  await Promise.allSettled([spool.remove(), adding]);
  expect(readdirSync(folder)).toEqual([]);
  if (process.platform === 'linux') expect(openBelow(folder)).toEqual([]);
});
