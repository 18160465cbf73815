// @ts-check
// What does a daemon take of a processor while nothing is asked of it?
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createClient } from '../../dist/client/index.js';
import { withFolder, writeManifests } from '../lib/host.mjs';
import { limitRow } from '../lib/measure.mjs';

const BIN = fileURLToPath(new URL('../../bin/greenroom.js', import.meta.url));
const PLUGINS = 100;
const LOADED = 20;
const SECONDS = 10;
/** Of `/proc`, on every machine that Node runs on. */
const TICKS_PER_SECOND = 100;

/** @param {number | undefined} pid */
function ticksOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

export default () =>
  withFolder((dataDir) =>
    withFolder(async (folder) => {
      const module = fileURLToPath(new URL('../plugins/bench-node/bench-node.mjs', import.meta.url));
      writeManifests(folder, PLUGINS, () => ({ worker: 'node', module, class: undefined, config_schema: undefined }));
      const args = [BIN, 'serve', '--json', '--data-dir', join(dataDir, 'data'), '--search-path', folder];
      const daemon = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      try {
        const line = await new Promise((resolve) => createInterface(daemon.stdout).once('line', resolve));
        const client = createClient({ socket: JSON.parse(line).socket });
        const names = (await client.plugins()).slice(0, LOADED).map(({ name }) => name);
        await Promise.all(names.map((name) => client.load(name)));
        // What follows from the loads.
        await delay(2_000);
        const before = ticksOf(daemon.pid);
        await delay(SECONDS * 1_000);
        const share = (ticksOf(daemon.pid) - before) / TICKS_PER_SECOND / SECONDS;
        await client.close();
        return [
          limitRow(`a daemon with ${PLUGINS} idle plugins, ${LOADED} of them loaded, of a core`, '%', 100 * share, {
            atMost: 1,
          }),
        ];
      } finally {
        const ended = new Promise((resolve) => daemon.once('exit', resolve));
        daemon.kill();
        await ended;
      }
    }),
  );
