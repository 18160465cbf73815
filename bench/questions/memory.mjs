// @ts-check
// How much memory does a worker take up that does nothing, and how much a plugin that is only known?
import { readFileSync } from 'node:fs';
import { BARE_PYTHON, withBare } from '../lib/bare.mjs';
import { withFolder, withSupervisor, writeManifests } from '../lib/host.mjs';
import { limitRow } from '../lib/measure.mjs';

const PLUGINS = 10_000;

export default async () => [await workerMemory(), await pluginMemory()];

function workerMemory() {
  return withFolder((folder) =>
    withBare({ command: BARE_PYTHON, folder, count: 1 }, ([bare]) =>
      withSupervisor(async (supervisor) => {
        await supervisor.execute('bench-python', { n: 1 });
        const { pid } = supervisor.plugin('bench-python').snapshot();
        return limitRow(
          'Python worker, idle after a call, resident',
          'MB',
          residentMegabytes(pid),
          { atMost: 15 },
          { reference: residentMegabytes(bare.child.pid) },
        );
      }),
    ),
  );
}

/** From Linux's /proc, where these figures were set. @param {number | undefined} pid */
function residentMegabytes(pid) {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return Number(kilobytes) / 1_024;
}

function pluginMemory() {
  return withFolder(async (folder) => {
    writeManifests(folder, PLUGINS);
    // What the code itself takes up is there before.
    await withSupervisor(async () => {});
    const before = heap();
    return withSupervisor(
      async () =>
        limitRow('a plugin that is only discovered', 'kB', (heap() - before) / PLUGINS / 1_000, { atMost: 10 }),
      { searchPaths: [folder] },
    );
  });
}

function heap() {
  /** @type {{ gc?: () => void }} */ (globalThis).gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
